"""Networks that users bring: registered, built and checked, made anew from what a ticket keeps."""
