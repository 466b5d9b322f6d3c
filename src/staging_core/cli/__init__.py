"""The command line: ``staging COMMAND``, one file per command.

Whatever it does, ``Staging`` does; here are only words, files and exit codes.
"""
