import Foundation

/// A drawing, written as SVG with coordinates in pixels from the upper left. Colours are classes of
/// the style sheet, so that the drawing follows the reader's preference for light or dark.
struct SVG {
    let width: Double
    let height: Double
    private var elements: [String] = []

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Where a text stands relative to its point.
    enum Anchor: String {
        case start, middle, end
    }

    mutating func line(_ from: (Double, Double), _ to: (Double, Double), _ classes: String) {
        add("line", classes, [("x1", from.0), ("y1", from.1), ("x2", to.0), ("y2", to.1)])
    }

    mutating func polyline(_ points: [(Double, Double)], _ classes: String) {
        let list = points.map { "\(Self.number($0.0)),\(Self.number($0.1))" }
        elements.append(
            "<polyline class=\"\(classes)\" points=\"\(list.joined(separator: " "))\"/>")
    }

    mutating func dot(_ at: (Double, Double), radius: Double, _ classes: String) {
        add("circle", classes, [("cx", at.0), ("cy", at.1), ("r", radius)])
    }

    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, _ classes: String
    ) {
        add("rect", classes, [("x", x), ("y", y), ("width", width), ("height", height)])
    }

    mutating func text(
        _ text: String, at: (Double, Double), _ classes: String = "", anchor: Anchor = .start,
        isUpright: Bool = false
    ) {
        let place = "x=\"\(Self.number(at.0))\" y=\"\(Self.number(at.1))\""
        let turn =
            isUpright
            ? " transform=\"rotate(-90 \(Self.number(at.0)) \(Self.number(at.1)))\"" : ""
        elements.append(
            "<text class=\"\(classes)\" \(place) text-anchor=\"\(anchor.rawValue)\"\(turn)>"
                + "\(Self.escaped(text))</text>")
    }

    private mutating func add(
        _ name: String, _ classes: String, _ attributes: [(String, Double)]
    ) {
        let list = attributes.map { "\($0.0)=\"\(Self.number($0.1))\"" }
        elements.append("<\(name) class=\"\(classes)\" \(list.joined(separator: " "))/>")
    }

    /// The file's text. `description` is what a screen reader says.
    func document(title: String, description: String) -> String {
        let size = "\(Self.number(width)) \(Self.number(height))"
        let head = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" role="img" \
            font-family="system-ui, sans-serif" font-size="12">
            <title>\(Self.escaped(title))</title>
            <desc>\(Self.escaped(description))</desc>
            <style>
            \(Self.style)
            </style>
            <rect class="paper" width="100%" height="100%"/>
            """
        return ([head] + elements + ["</svg>", ""]).joined(separator: "\n")
    }

    /// Four colours that can be told apart on both papers, also by those who see no red or green
    /// (after Okabe and Ito).
    private static let style = """
        .paper { fill: #ffffff } text { fill: #1c1c1c } .faint { fill: #5a5a5a }
        .title { font-weight: 600; font-size: 14px } .head { font-weight: 600; font-size: 17px }
        .grid { stroke: #e2e2e2 } .axis { stroke: #8a8a8a }
        .c0 { stroke: #0072b2; fill: #0072b2 } .c1 { stroke: #d55e00; fill: #d55e00 }
        .c2 { stroke: #009e73; fill: #009e73 } .c3 { stroke: #b5549b; fill: #b5549b }
        .goal { stroke: #1c1c1c; stroke-width: 2; stroke-dasharray: 2 3; fill: none }
        .curve { fill: none; stroke-width: 2 } .dashed { stroke-dasharray: 6 4 }
        .thin { fill: none; stroke-width: 1; stroke-opacity: 0.55 }
        @media (prefers-color-scheme: dark) {
        .paper { fill: #14171a } text { fill: #e8e8e8 } .faint { fill: #a8a8a8 }
        .grid { stroke: #2b3036 } .axis { stroke: #7d858c }
        .c0 { stroke: #56b4e9; fill: #56b4e9 } .c1 { stroke: #f08a3c; fill: #f08a3c }
        .c2 { stroke: #2fc79a; fill: #2fc79a } .c3 { stroke: #da8fc6; fill: #da8fc6 }
        .goal { stroke: #e8e8e8 } .curve, .thin { fill: none }
        }
        .curve, .thin { fill: none }
        """

    /// At most two decimals, none that say nothing.
    static func number(_ value: Double) -> String {
        var text = String(format: "%.2f", value)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
            .replacingOccurrences(of: "\"", with: "&quot;")
    }
}
