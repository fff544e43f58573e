"""The same rules in the languages of other policy engines, for bench/policy_peers.py."""
