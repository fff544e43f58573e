"""CEL twice over, each in its own process: what one engine gets wrong the other shows.

cpp     the reference implementation in C++, the default
rust    an independent implementation in Rust
direct  one of them by name, in this process
worker  one of them in a child process, with limits on time and memory; what a hospital uses
child   what runs in that process
frames  what the two say to each other
"""
