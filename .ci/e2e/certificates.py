"""A certificate for this machine, from an authority that nobody else knows."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def for_loopback(directory):
    """The authority's certificate as a file, and the settings of a server that it vouches for."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = certificate("authority", authority_key, "authority", authority_key, x509.BasicConstraints(True, None))
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = certificate("server", key, "authority", authority_key, loopback)
    trusted, chain = directory / "authority.pem", directory / "server.pem"
    trusted.write_bytes(pem(authority))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    chain.write_bytes(pem(server) + key.private_bytes(serialization.Encoding.PEM, *private))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return trusted, context


def certificate(subject, key, issuer, issuer_key, extension):
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(named(issuer), named(subject), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    return builder.add_extension(extension, critical=True).sign(issuer_key, hashes.SHA256())


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(certified):
    return certified.public_bytes(serialization.Encoding.PEM)
