import Foundation
import Jinja
import Testing

@Suite struct ConformanceTests {
    @Test("Small templates render as PyPI's jinja2 renders them")
    func language() throws { try compare(try Case.fixture("language")) }

    @Test("Chat templates in the styles of real models render as jinja2 renders them")
    func models() throws { try compare(try Case.fixture("models")) }

    @Test(
        "Cases in a file of one's own render as jinja2 renders them",
        .enabled(if: ProcessInfo.processInfo.environment["SHOAL_JINJA_CASES"] != nil))
    func others() throws {
        let path = try #require(ProcessInfo.processInfo.environment["SHOAL_JINJA_CASES"])
        try compare(try Case.read(URL(filePath: path)))
    }

    private func compare(_ cases: [Case]) throws {
        #expect(!cases.isEmpty)
        for each in cases {
            let (output, error) = each.rendered()
            guard output != each.output else { continue }
            // Python prints an address here, which no template can want.
            guard error?.message.contains("cannot be printed") != true else { continue }
            Issue.record(
                """
                \(each.name ?? each.template.debugDescription)
                ours: \(output?.debugDescription ?? "") \(error.map(String.init(describing:)) ?? "")
                jinja2: \(each.output?.debugDescription ?? "") \(each.error ?? "")
                """)
        }
    }
}
