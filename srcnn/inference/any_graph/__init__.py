"""Run graphs of any form on pictures of any size, in tiles, within a limit of memory."""
