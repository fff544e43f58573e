"""Policy packs: how the gate's rules come in, from whom, and how far a hospital may change them.

strict    YAML -> plain data
folder    a folder -> its files, each as its manifest says
schema    params/schema.json -> the type and bounds of each parameter
bounds    what tightens, what loosens, and how far it may
read      Folder -> Pack
signed    Folder -> Folder that a site's policy keys signed
overlay   what a hospital or a site sets differently
combine   packs, overlays -> Policy, which the gate judges by
adopt     a site lays down what it signed
adopted   a site's folder -> Policy, verified, and never older than before

examples, proving, coverage, lint, diff: a pack's own tests, and what its writer wants to know
"""
