import ArgumentParser
import Simulation
import Wire

/// Reads what simulations are told on the command line; what is wrong is told with what is allowed.
enum SimulateArguments {
    /// A decimal number of seconds, minutes or hours, read exactly.
    @Sendable static func time(_ text: String) throws -> Duration {
        guard let duration = Duration(decimalSeconds: text), duration >= .zero else {
            throw ValidationError(
                "'\(text)' is no time: give a decimal number from 0 to 999999999.999999999.")
        }
        return duration
    }

    /// `FROM...TO` in decimal seconds, or one number for both.
    @Sendable static func range(_ text: String) throws -> ClosedRange<Duration> {
        var parts: [String] = [text]
        if let dots = text.firstRange(of: "...") {
            parts = [String(text[..<dots.lowerBound]), String(text[dots.upperBound...])]
        }
        let ends = parts.compactMap { Duration(decimalSeconds: $0) }
        guard ends.count == parts.count, let first = ends.first, let last = ends.last,
            first <= last
        else {
            throw ValidationError(
                "'\(text)' is no range: give seconds as FROM...TO, for example 0.1...30.")
        }
        return first...last
    }

    /// `SECONDS:KIND:WHAT`.
    @Sendable static func fault(_ text: String) throws -> MembershipSimulation.Fault {
        guard let fault = MembershipSimulation.Fault(text) else {
            throw ValidationError(
                "'\(text)' is no fault: give SECONDS:KIND:WHAT, as in "
                    + MembershipSimulation.Fault.examples.joined(separator: ", ") + ".")
        }
        return fault
    }

    /// `1-1,1-2`: ranges of protocol versions.
    @Sendable static func versions(_ text: String) throws -> [ClosedRange<UInt8>] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .compactMap { UInt8($0) }
            guard ends.count == 2, ends[0] <= ends[1] else {
                throw ValidationError(
                    "'\(text)' is no list of versions: give OLDEST-NEWEST,…, for example 1-1,1-2.")
            }
            return ends[0]...ends[1]
        }
    }

    /// `FROM-TO`, or one number for both.
    @Sendable static func span(_ text: String) throws -> ClosedRange<UInt64> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
            .map { UInt64($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
            first <= last
        else {
            throw ValidationError("'\(text)' is no range: give FROM-TO, for example 2-8.")
        }
        return first...last
    }

    /// Names with commas between.
    @Sendable static func attacks(_ text: String) throws -> [Attack] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map {
            try named(String($0))
        }
    }

    /// One of a few names.
    @Sendable static func named<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws -> Value {
        guard let value = Value(rawValue: text) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is none of \(names).")
        }
        return value
    }
}
