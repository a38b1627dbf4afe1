"""One end of a Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b session, by the PyPI package noiseprotocol.

An independent implementation for NoiseTests/InteropTests.swift to talk to over standard input and
output: one line of hexadecimal digits for each message, in either direction.

    noise_peer.py initiator|responder PROLOGUE PSK     (both in hexadecimal)

After the handshake with empty payloads each end sends its handshake hash in the clear, for
comparison, and then the initiator one transport message, which the responder opens and sends back
reversed.
"""

import sys

from noise.connection import Keypair, NoiseConnection

HANDSHAKE_SIZES = [48, 96, 64]


def send(data: bytes) -> None:
    print(data.hex(), flush=True)


def receive() -> bytes:
    line = sys.stdin.readline()
    if not line:
        sys.exit("the other end closed")
    return bytes.fromhex(line.strip())


def main() -> None:
    role, prologue, psk = sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
    noise = NoiseConnection.from_name(b"Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b")
    noise.set_psks(psk)
    noise.set_prologue(prologue)
    if role == "initiator":
        noise.set_as_initiator()
    else:
        noise.set_as_responder()
    noise.set_keypair_from_private_bytes(Keypair.STATIC, bytes([11] * 32))
    noise.start_handshake()

    for index, size in enumerate(HANDSHAKE_SIZES):
        if (index % 2 == 0) == (role == "initiator"):
            message = bytes(noise.write_message())
            send(message)
        else:
            message = receive()
            if bytes(noise.read_message(message)):
                sys.exit(f"message {index + 1} has a payload")
        if len(message) != size:
            sys.exit(f"message {index + 1} has {len(message)} bytes, not {size}")
    if not noise.handshake_finished:
        sys.exit("the handshake is not finished")

    ours = bytes(noise.get_handshake_hash())
    send(ours)
    if receive() != ours:
        sys.exit("the handshake hashes differ")
    if role == "initiator":
        send(noise.encrypt(b"a message of some length"))
        if noise.decrypt(receive()) != b"a message of some length"[::-1]:
            sys.exit("the answer is not the message reversed")
    else:
        send(noise.encrypt(bytes(noise.decrypt(receive()))[::-1]))


try:
    main()
except Exception as error:  # one line says enough: whoever started this reports it
    sys.exit(f"{type(error).__name__}: {error}")
