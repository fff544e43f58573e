"""The built image from outside: booted, fed what an attacker would send, and watched."""
