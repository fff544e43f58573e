"""Scans: what is wrong with this source and this binary, as SARIF, one run per tool.

A tool that is absent, dies or takes too long gives missing evidence, never a clean run.
"""
