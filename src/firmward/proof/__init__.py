"""From bytes to trust: keys, envelopes, roles, the Merkle tree, wraps, certificates, images.

Pure: whoever calls brings the bytes, the time and the keys.  Nothing here opens a file or a socket.
"""
