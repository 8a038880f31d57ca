# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates, made at start in a directory that goes with the lab."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import ssl

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .arm.clouds import HOST_NAMES

NAMES = ("127.0.0.1", "localhost", *sorted(HOST_NAMES))


@dataclasses.dataclass(frozen=True)
class Certificates:
    """`ca_file` is what clients trust. `client_*` belong to the service principals, who share one key."""

    ca_file: pathlib.Path
    client_file: pathlib.Path
    client_key: rsa.RSAPublicKey
    client_thumbprint: str  # SHA-1, upper-case hex
    server: ssl.SSLContext
    contexts: dict[str, ssl.SSLContext]  # by the option `certificate`


def make(directory: pathlib.Path) -> Certificates:
    """Make a CA, what the server shows for each value of the option `certificate`, and the principals' certificate."""
    ca, stranger = trustme.CA(), trustme.CA()
    ca_file = directory / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    contexts = {
        "good": _context(ca.issue_cert(*NAMES)),
        "expired": _context(ca.issue_cert(*NAMES, not_after=yesterday)),
        "unknown": _context(stranger.issue_cert(*NAMES)),
    }
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    client = _self_signed(key)
    client_file = directory / "service-principal.pem"
    client_file.touch(mode=0o600)
    client_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + client.public_bytes(serialization.Encoding.PEM)
    )
    thumbprint = client.fingerprint(hashes.SHA1()).hex().upper()
    return Certificates(ca_file, client_file, key.public_key(), thumbprint, contexts["good"], contexts)


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # a resumed connection would not look at the certificate again
    certificate.configure_cert(context)
    return context


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab service principal")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
