"""Pictures in, probabilities out: the emotion networks, their data, training and weights.

The only home of Keras in the project. Imports nothing of ours, so that a notebook or a GPU machine
without OpenCV's video parts can train and evaluate with it alone.
"""
