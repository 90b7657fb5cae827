"""``python -m gitea`` in the folder of the tests builds the program, which takes some minutes the first time."""

from gitea.server import built_now

if __name__ == "__main__":
    built_now()
