"""The loops: the queue, the workers, the watches."""
