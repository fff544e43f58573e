"""The threat model as code: what the vendor fears, what stands against it, and what shows that."""
