"""Transfer: a ticket of one data set trained on another, beside what that one gives by itself."""
