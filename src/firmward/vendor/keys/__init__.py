"""The vendor's signing keys: what there is, where each is held, and how one is replaced.

book       which keys a vendor has, without any private half
ring       every signer of one vendor, as the pipeline uses them
software   private keys in files; hsm: private keys in a PKCS#11 token
opening    making a vendor's keys, and opening them
rotate     a new key in an old one's place (TUF root rotation)
"""
