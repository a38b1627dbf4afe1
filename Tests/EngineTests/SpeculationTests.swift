import Testing

@testable import Engine

@Suite struct SpeculationTests {
    @Test("The guess is what followed the longest, then latest, earlier place that ends alike")
    func drafter() {
        func draft(_ tokens: [Int32], _ count: Int = 3) -> [Int32] {
            NGramDrafter.draft(after: tokens, count: count)
        }
        #expect(draft([1, 2, 3, 4, 5, 1, 2, 3]) == [4, 5, 1])
        #expect(draft([1, 2, 3, 4, 5, 1, 2, 3], 1) == [4])
        #expect(draft([1, 2, 9, 7, 1, 2, 8, 1, 2]) == [8, 1, 2])
        #expect(draft([0, 1, 2, 9, 7, 1, 2, 8, 0, 1, 2]) == [9, 7, 1])
        #expect(draft([1, 2, 3, 4, 3]).isEmpty)
        #expect(draft([5, 5, 5, 5]) == [5])
        #expect(draft([]).isEmpty && draft([1]).isEmpty && draft([1, 2, 1, 2], 0).isEmpty)
    }

    @Test("Guesses never change tokens, however many hold, and save passes where text repeats")
    func sameTokens() throws {
        for number in Int32(0)..<20 {
            var steps: [SpeculationMode: Int] = [:]
            for mode in SpeculationMode.allCases {
                var driver = CoreDriver(pages: 200, speculation: mode)
                try driver.submit(
                    Submission(
                        prompt: (0..<9).map { ($0 * 5 + number) % 7 }, choices: [(0, []), (1, [])],
                        answerTokensMax: 60))
                while driver.step() {}
                #expect(driver.fault == nil && driver.wrongAnswer == nil)
                steps[mode] = driver.steps.count
            }
            #expect(steps[.on, default: 0] <= steps[.off, default: 0])
        }
    }

    @Test("Guesses are tried where a row costs little and held before, and not elsewhere")
    func controller() {
        func lengths(rowCost: Double, holds: Bool) -> [Int] {
            var controller = SpeculationController(mode: .auto)
            var record = SpeculationRecord()
            return (0..<200).map { _ in
                let length = controller.draftLength(&record, sequences: 1, limit: 100)
                let rows = 1 + length
                controller.measured(rows: rows, seconds: 0.01 + rowCost * Double(rows))
                if length > 0 {
                    controller.record(&record, drafted: length, held: holds ? length : 0)
                }
                return length
            }
        }
        let cheap = lengths(rowCost: 0.0002, holds: true)
        #expect(cheap.suffix(100).count { $0 == SpeculationLimits.draftMax } >= 95)
        let dear = lengths(rowCost: 0.05, holds: true)
        #expect(dear.suffix(150).count { $0 > 0 } <= 15)
        let vain = lengths(rowCost: 0.002, holds: false)
        #expect(vain.suffix(150).count { $0 > 0 } <= 40)
    }

    @Test("Modes and limits are kept")
    func modes() {
        var record = SpeculationRecord()
        let off = SpeculationController(mode: .off)
        #expect(off.draftLength(&record, sequences: 1, limit: 9) == 0)
        let on = SpeculationController(mode: .on)
        #expect(on.draftLength(&record, sequences: 1, limit: 3) == 3)
        #expect(on.draftLength(&record, sequences: 9, limit: 99) == SpeculationLimits.draftMax)
        let auto = SpeculationController(mode: .auto)
        #expect(auto.draftLength(&record, sequences: 1, limit: 0) == 0)
    }
}
