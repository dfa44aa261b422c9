"""What any article needs: tables, figures, intervals, answers, and a page and Markdown of it all.

Nothing in this package knows an experiment, imports TensorFlow or trains anything.
"""
