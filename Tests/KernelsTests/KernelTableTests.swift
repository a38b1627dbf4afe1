import Kernels
import Testing

@Suite struct KernelTableTests {
    @Test func theFastestTableIsChosenUnlessTheEnvironmentNamesOne() throws {
        #expect(try KernelTable.best().instructionSet == KernelTable.available.last)
        #expect(
            try KernelTable.best(environment: ["SHOAL_ISA": ""]).instructionSet
                == KernelTable.available.last)
        for set in KernelTable.available {
            let table = try KernelTable.best(environment: ["SHOAL_ISA": set.rawValue])
            #expect(table.instructionSet == set)
        }
    }

    @Test func portableKernelsAreAlwaysThere() {
        #expect(KernelTable.available.contains(.portable))
    }

    @Test func anUnknownInstructionSetIsRefusedWithTheListOfThoseAvailable() {
        let error = #expect(throws: KernelError.self) {
            try KernelTable.best(environment: ["SHOAL_ISA": "sse9"])
        }
        #expect(error?.description.contains("sse9") == true)
        #expect(error?.description.contains("portable") == true)
    }

    @Test func anUnsupportedInstructionSetIsRefusedWithTheListOfThoseAvailable() {
        for set in InstructionSet.allCases where !KernelTable.available.contains(set) {
            #expect(
                throws: KernelError.unsupportedInstructionSet(
                    set, available: KernelTable.available)
            ) {
                try KernelTable.best(environment: ["SHOAL_ISA": set.rawValue])
            }
        }
    }
}
