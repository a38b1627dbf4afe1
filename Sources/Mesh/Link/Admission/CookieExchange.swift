internal import Secrets
public import Trust
public import Wire

/// Signs answers to cookies with a member's name.
public struct CookieSigner: Sendable {
    let identity: Identity
    let chain: CertificateChain

    /// A signer for a member.
    public init(identity: Identity, chain: CertificateChain) {
        self.identity = identity
        self.chain = chain
    }
}

/// What an initiator answers to a cookie: the cookie, its certificate chain, and its signature of
/// 64 bytes over the cookie (domain "shoal cookie v1").
public struct CookieAnswer: Sendable, Equatable, WireCodable {
    /// The cookie, as it came.
    public let cookie: [UInt8]
    /// Who answers.
    public let chain: CertificateChain
    /// The member's signature over the cookie.
    public let signature: [UInt8]

    init(cookie: [UInt8], signer: CookieSigner, mesh: MeshID) {
        self.cookie = cookie
        chain = signer.chain
        signature = signer.identity.sign(cookie, domain: .cookie, mesh: mesh)
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeBytes(cookie)
        chain.encode(to: &writer)
        writer.writeBytes(signature)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        cookie = Array(try reader.readBytes(LinkLimits.cookieBytes))
        chain = try CertificateChain(from: &reader)
        signature = Array(try reader.readBytes(signatureBytes))
    }
}

/// The keys of one cookie exchange: they grow from the pre-shared key and message 1 with its
/// prologue, so that only who holds the key can read or make either half.
///
///     base      = BLAKE2b-256(key: pre-shared key, "shoal cookie base v1" ‖ 0 ‖ prologue ‖ message 1)
///     challenge = salt (8 bytes) ‖ seal(BLAKE2b-256(key: base, "shoal cookie challenge v1" ‖ 0 ‖ salt),
///                 associated data: salt, plaintext: cookie)
///     answer    = seal(BLAKE2b-256(key: base, "shoal cookie answer v1" ‖ 0 ‖ cookie),
///                 associated data: none, plaintext: ``CookieAnswer``)
///
/// where `seal` is ChaCha20-Poly1305 (RFC 8439) with an all-zero nonce: each key seals once. The
/// salt keeps that so when a first message that was replayed is challenged a second time.
public struct CookieSeal: Sendable {
    private let base: SecretBytes

    init(preSharedKey: SecretBytes, prologue: [UInt8], firstMessage: [UInt8]) {
        base = preSharedKey.derived(
            "shoal cookie base v1", prologue + firstMessage, in: .pooled)
    }

    private func key(_ domain: String, _ bytes: [UInt8]) -> SecretBytes {
        base.derived(domain, bytes)
    }

    func sealChallenge(cookie: [UInt8], salt: [UInt8]) -> [UInt8] {
        var bytes = salt + cookie
        DatagramSeal.seal(
            &bytes, header: salt.count, key: key("shoal cookie challenge v1", salt), counter: 0)
        return bytes
    }

    func openChallenge(_ bytes: [UInt8]) -> [UInt8]? {
        let salt = Array(bytes.prefix(LinkLimits.cookieSaltBytes))
        return try? DatagramSeal.open(
            bytes, header: salt.count, key: key("shoal cookie challenge v1", salt), counter: 0)
    }

    func sealAnswer(_ answer: CookieAnswer) -> [UInt8] {
        var bytes = answer.encoded
        DatagramSeal.seal(
            &bytes, header: 0, key: key("shoal cookie answer v1", answer.cookie), counter: 0)
        return bytes
    }

    func openAnswer(_ bytes: [UInt8], cookie: [UInt8]) -> CookieAnswer? {
        guard
            let opened = try? DatagramSeal.open(
                bytes, header: 0, key: key("shoal cookie answer v1", cookie), counter: 0),
            let answer = try? CookieAnswer(decoding: opened), answer.cookie == cookie
        else { return nil }
        return answer
    }
}
