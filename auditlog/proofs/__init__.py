"""Evidence that an outsider can check: canonical bytes, Merkle trees, signed heads.

Plain Python without Django. `docs/reference/audit-proofs.md` publishes the formats with
test vectors, and `auditlog/check_proof.py` checks a proof with the standard library.
"""
