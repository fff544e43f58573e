"""The hospital's domain: it governs what runs on its devices, and answers for it.

web > pipeline > respond > watch | fleet | gate > records
"""
