import Foundation
import NodeAPI
import Trust
import Wire

/// Certificates, and the clock by which they are judged.
extension Doctor {
    func examineTrust(_ subject: Subject, _ report: inout DoctorReport) {
        examineClock(subject, &report)
        guard let genesis = subject.genesis else { return }
        if let issuer = subject.issuer { examineIssuer(issuer, &report) }
        examineKnowledge(subject, &report)
        guard let chain = subject.chain else { return }
        examine(chain, genesis: genesis, subject, &report)
    }

    /// What is known of issuers and gate keys.
    private func examineKnowledge(_ subject: Subject, _ report: inout DoctorReport) {
        guard let trust = subject.trust, let keys = subject.gateKeys else { return }
        let issuers = trust.issuers.filter {
            trust.issuer($0.body.subject) != nil && now < $0.body.notAfter
        }
        if issuers.isEmpty {
            report.add(
                .trust, "issuers", .problem,
                "no issuer is left that counts: nobody can renew a certificate or let others in",
                remedy: "certify one with the authority's key: `shoal mesh certify NODE --issuer`")
        } else if issuers.count == 1, !subject.isAlone {
            report.add(
                .trust, "issuers", .warning,
                "\(issuers[0].body.name) alone can let others in and renew certificates, as far as "
                    + "this node knows: when it is lost, nobody can",
                remedy: "certify a second: `shoal mesh certify NODE --issuer` where the "
                    + "authority's key is")
        } else {
            report.add(
                .trust, "issuers", .ok,
                "\(issuers.count): " + issuers.map(\.body.name).joined(separator: ", "))
        }
        let ending = issuers.filter { $0.body.notAfter < now + DoctorLimits.issuerWarning }
        for issuer in ending where issuer.body.subject != subject.node {
            report.add(
                .trust, "issuers", .warning,
                "the right of \(issuer.body.name) to certify ends \(Self.time(issuer.body.notAfter))",
                remedy: "renew it with the authority's key: `shoal mesh certify "
                    + "\(issuer.body.name) --issuer`")
        }
        report.add(
            .trust, "gate key", .ok,
            "epoch \(keys.current.key.epoch.counter), \(keys.superseded.count) superseded")
        if let told = status?.node.gateKeyEpoch, told < keys.current.key.epoch.counter {
            report.add(
                .trust, "gate key", .warning,
                "the running node still uses epoch \(told)",
                remedy: "it reads the directory each second: if this stays, look in its log")
        }
    }

    private func examine(
        _ chain: CertificateChain, genesis: Genesis, _ subject: Subject,
        _ report: inout DoctorReport
    ) {
        let body = chain.member.body
        if body.mesh != genesis.id || subject.node.map({ $0 != body.subject }) == true {
            return report.add(
                .trust, "certificate", .problem, "it is another node's or another mesh's",
                remedy: "restore node/ and mesh/ from one backup, or join again in another "
                    + "directory")
        }
        let end = chain.notAfter
        let again =
            "start the node: it asks an issuer for the next one. If no issuer is left, join again "
            + "in another directory: `shoal join TICKET --dir NEW`"
        do throws(TrustError) {
            _ = try chain.verify(genesis: genesis, at: now, trust: subject.trust)
        } catch .expired {
            if let issuer = subject.issuer, now < issuer.body.notAfter {
                return report.add(
                    .trust, "certificate", .ok,
                    "it ended \(Self.time(end)); the node renews its own when it starts")
            }
            return report.add(
                .trust, "certificate", .problem, "it ended \(Self.time(end)), by this clock",
                remedy: again)
        } catch .revoked(let target, let reason) {
            return report.add(
                .trust, "certificate", .problem,
                "this node is out of the mesh: \(target) was revoked"
                    + (reason.isEmpty ? "" : " (\(reason))"),
                remedy: "ask whoever runs the mesh; a node that was revoked joins anew, in another "
                    + "directory")
        } catch .notYetValid(let what, let from) {
            return report.add(
                .trust, "certificate", .problem,
                "the \(what) is valid only from \(Self.time(from)), by this clock",
                remedy: "set this machine's clock: it says \(Self.time(now))")
        } catch {
            return report.add(
                .trust, "certificate", .problem, "\(error)",
                remedy: "restore node/ and mesh/ from one backup, or join again in another "
                    + "directory")
        }
        let roles = body.roles.contains(.issuer) ? ", an issuer" : ""
        if subject.issuer == nil, end < now + DoctorLimits.certificateWarning {
            report.add(
                .trust, "certificate", .warning,
                "it ends \(Self.time(end)), and was due for renewal "
                    + "\(Self.time(chain.renewalTime)): no issuer has been reached since",
                remedy: again)
        } else {
            report.add(
                .trust, "certificate", .ok,
                "\(body.name)\(roles) of mesh '\(genesis.name)' (\(genesis.fingerprint)), until "
                    + Self.time(end))
        }
    }

    private func examineIssuer(_ issuer: Certificate, _ report: inout DoctorReport) {
        let end = issuer.body.notAfter
        if end <= now {
            report.add(
                .trust, "issuer", .problem,
                "the right to let others in ended \(Self.time(end)), by this clock",
                remedy: "if the clock is right, renew it with the authority's key: `shoal mesh "
                    + "certify \(issuer.body.name) --issuer`")
        } else if end < now + DoctorLimits.issuerWarning {
            report.add(
                .trust, "issuer", .warning, "the right to let others in ends \(Self.time(end))",
                remedy: "renew it with the authority's key: `shoal mesh certify "
                    + "\(issuer.body.name) --issuer`")
        } else {
            report.add(
                .trust, "issuer", .ok, "this node can let others in, until \(Self.time(end))")
        }
    }

    // MARK: The clock

    private func examineClock(_ subject: Subject, _ report: inout DoctorReport) {
        // Each is a time that has passed, by this clock or one that was near it.
        var past: [(what: String, at: WallTime)] = []
        if let genesis = subject.genesis { past.append(("the mesh was made", genesis.created)) }
        if let chain = subject.chain {
            past.append(("this node's certificate was made", chain.member.body.notBefore))
        }
        for name in ["node/generation", "node/certificate", "peers/known", "run/node.json"] {
            if let seconds = subject.files.changed(name) {
                past.append(("\(name) was written", WallTime(seconds: seconds)))
            }
        }
        let limit = now + TrustLimits.clockSkewMax
        guard let latest = past.max(by: { $0.at < $1.at }), latest.at > limit else {
            return report.add(
                .trust, "clock", .ok,
                "it says \(Self.time(now)), later than all that has happened here")
        }
        report.add(
            .trust, "clock", .problem,
            "it says \(Self.time(now)), but \(latest.what) at \(Self.time(latest.at))",
            remedy: "set this machine's clock, and keep it set by NTP: certificates are judged by "
                + "it")
    }

    /// A time as people read it, in UTC.
    static func time(_ time: WallTime) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(min(time.seconds, 253_402_300_799)))
        let text = date.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: false))
        return text.replacing("T", with: " ").replacing("Z", with: "") + " UTC"
    }
}

extension CertificateChain {
    /// The end of the first certificate of the chain to end.
    fileprivate var notAfter: WallTime {
        min(member.body.notAfter, issuer?.body.notAfter ?? member.body.notAfter)
    }
}
