import CKernels

/// An instruction set that has a table of kernels.
///
/// The raw value is what `SHOAL_ISA` and logs call it.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// Plain C, for any processor; what every other table must equal bit for bit.
    case portable
    /// AVX2 with FMA and F16C: x86-64 since 2013.
    case avx2
    /// AVX2 with AVX-VNNI's dot products in 256-bit registers: many x86-64 since 2021.
    case avxvnni
    /// AVX-512 F, BW, DQ, VL and VNNI: x86-64 since 2019.
    case avx512vnni = "avx512"
    /// NEON with the dot product of Armv8.2: aarch64 since 2017. Checked against the portable table
    /// under an emulator (`Tests/neon`); its speed was not measured.
    case neon
}

extension InstructionSet: CustomStringConvertible {
    /// The name, as `SHOAL_ISA` takes it.
    public var description: String { rawValue }
}

/// Why kernels could not be chosen or given work.
public enum KernelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `SHOAL_ISA` names nothing this build knows.
    case unknownInstructionSet(name: String, available: [InstructionSet])
    /// This processor, operating system or build lacks the instruction set asked for.
    case unsupportedInstructionSet(InstructionSet, available: [InstructionSet])
    /// A matrix whose shape no kernel takes.
    case invalidShape(reason: String)
    /// Data whose length does not fit the shape, in bytes.
    case sizeMismatch(expected: Int, found: Int)
    /// The system refused this many bytes.
    case outOfMemory(bytes: Int)

    /// One line that a user can act on.
    public var description: String {
        switch self {
        case .unknownInstructionSet(let name, let available):
            "SHOAL_ISA is '\(name)', which is no instruction set; here it can be "
                + available.map(\.rawValue).joined(separator: ", ")
        case .unsupportedInstructionSet(let set, let available):
            "this machine does not support \(set); SHOAL_ISA can be "
                + available.map(\.rawValue).joined(separator: ", ")
        case .invalidShape(let reason): "a matrix cannot be used: \(reason)"
        case .sizeMismatch(let expected, let found):
            "a matrix has \(found) bytes where its shape needs \(expected)"
        case .outOfMemory(let bytes): "the system refused \(bytes) bytes of memory"
        }
    }
}

/// One instruction set's kernels.
public struct KernelTable: Sendable {
    /// What the table is written for.
    public let instructionSet: InstructionSet

    // The table is a C constant: never written, alive as long as the process.
    nonisolated(unsafe) let functions: UnsafePointer<shoal_kernels>

    /// The environment variable that overrides the choice.
    public static let environmentVariable = "SHOAL_ISA"

    /// The table for `instructionSet`, or nil where it does not run.
    public init?(_ instructionSet: InstructionSet) {
        let functions: UnsafePointer<shoal_kernels>? =
            switch instructionSet {
            case .portable: shoal_kernels_portable()
            case .avx2: shoal_kernels_avx2()
            case .avxvnni: shoal_kernels_avxvnni()
            case .avx512vnni: shoal_kernels_avx512()
            case .neon: shoal_kernels_neon()
            }
        guard let functions else { return nil }
        self.instructionSet = instructionSet
        self.functions = functions
    }

    /// The instruction sets that run here, the slowest first.
    public static var available: [InstructionSet] {
        InstructionSet.allCases.filter { KernelTable($0) != nil }
    }

    /// The fastest table that runs here, or the one that `SHOAL_ISA` in `environment` names.
    public static func best(
        environment: [String: String] = [:]
    ) throws(KernelError) -> KernelTable {
        if let name = environment[environmentVariable], !name.isEmpty {
            guard let set = InstructionSet(rawValue: name) else {
                throw .unknownInstructionSet(name: name, available: available)
            }
            guard let table = KernelTable(set) else {
                throw .unsupportedInstructionSet(set, available: available)
            }
            return table
        }
        let tables = InstructionSet.allCases.compactMap { KernelTable($0) }
        // The portable table is never null, so the list is never empty.
        return tables[tables.count - 1]
    }
}
