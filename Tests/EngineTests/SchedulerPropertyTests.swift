import Foundation
import Model
import Testing

@testable import Engine

@Suite struct SchedulerPropertyTests {
    /// Runs one random schedule; what went wrong, if anything.
    private func schedule(seed: UInt64) -> String? {
        var random = TestRandom(seed: seed)
        let pages = Int.random(in: 3...24, using: &random)
        let positions = [1, 2, 4, 7].randomElement(using: &random) ?? 4
        var driver = CoreDriver(
            pages: pages, positions: positions, sequences: Int.random(in: 1...8, using: &random),
            queue: Int.random(in: 1...6, using: &random),
            prompt: Int.random(in: 1...20, using: &random),
            speculation: SpeculationMode.allCases.randomElement(using: &random) ?? .off)
        driver.secondsPerRow = [1e-5, 1e-3, 0.02].randomElement(using: &random) ?? 1e-3
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            act(&driver, &random, pages * positions)
            if let fault = driver.fault { return fault }
        }
        // What is here must end, without an end to the steps it takes being in sight.
        var left = 4000
        while driver.step() {
            if let fault = driver.fault { return fault }
            left -= 1
            if left == 0 { return "it never ends" }
        }
        guard driver.scheduler.isEmpty else {
            return "requests are left and nothing runs"
        }
        let missing = driver.submissions.keys.filter { !driver.ends.keys.contains($0) }
        guard missing.isEmpty else { return "requests \(missing) never ended" }
        if driver.scheduler.pool.availableCount != driver.scheduler.pool.pageCount {
            return "pages are still in use"
        }
        return driver.wrongAnswer
    }

    private func act(_ driver: inout CoreDriver, _ random: inout TestRandom, _ room: Int) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4:
            _ = try? driver.submit(submission(room, driver.clock, &random))
        case 4:
            if let some = driver.submissions.keys.sorted().randomElement(using: &random) {
                driver.cancel(some)
            }
        case 5:
            var inner = random
            let submission = submission(room, driver.clock, &inner)
            let target = driver.submissions.keys.sorted().randomElement(using: &inner)
            let abort = Bool.random(using: &inner)
            random = inner
            driver.step(abort: abort) { driver in
                if let target { driver.cancel(target) }
                _ = try? driver.submit(submission)
            }
        case 6: driver.clock += Double.random(in: 0...0.5, using: &random)
        default: driver.step()
        }
    }

    private func submission(
        _ room: Int, _ now: Double, _ random: inout TestRandom
    ) -> Submission {
        // Few beginnings, so that prompts share pages.
        let beginning = [Int32](
            repeating: Int32.random(in: 0...2, using: &random),
            count: Int.random(in: 1...max(1, min(24, room - 2)), using: &random))
        let rest = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            Int32.random(in: 0...3, using: &random)
        }
        let prompt = beginning + rest
        let most = Int.random(in: 1...30, using: &random)
        var submission = Submission(
            caller: ["a", "b", "c"].randomElement(using: &random) ?? "a",
            priority: [0, 0, 0, 1, -3].randomElement(using: &random) ?? 0,
            deadline: Int.random(in: 0..<6, using: &random) == 0
                ? now + Double.random(in: 0...2, using: &random) : nil,
            kv: Int.random(in: 0..<6, using: &random) == 0 ? .f32 : .f16, prompt: prompt,
            choices: [], answerTokensMax: most)
        let count = UInt32([1, 1, 2, 4].randomElement(using: &random) ?? 1)
        let choices = (0..<count).map { choice -> (choice: UInt32, generated: [Int32]) in
            // Some continue what they would get anyway.
            submission.choices = [(choice, [])]
            guard Int.random(in: 0..<3, using: &random) == 0 else { return (choice, []) }
            let whole = CoreDriver.alone(submission, 0)
            return (choice, Array(whole.prefix(min(whole.count / 2, most - 1))))
        }
        submission.choices = choices
        return submission
    }

    /// How many schedules are tried; more with SHOAL_TEST_SCHEDULES.
    private var count: UInt64 {
        ProcessInfo.processInfo.environment["SHOAL_TEST_SCHEDULES"].flatMap { UInt64($0) } ?? 400
    }

    @Test("Random schedules leak no page, end every request once and change no token")
    func randomSchedules() {
        for seed in 0..<count {
            guard let fault = schedule(seed: seed) else { continue }
            Issue.record("seed \(seed): \(fault)")
            return
        }
    }
}
