enum Flooder { static func run(_ words: [String]) throws {} }
