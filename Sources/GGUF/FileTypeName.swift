extension GGUFFile {
    /// What `general.file_type` says that the file is quantised to, such as `Q4_K_M`: the names that
    /// downloads carry, by the numbers of llama.cpp's `llama_ftype`. Nil where the file says
    /// nothing, or a number that is not known here.
    public var fileTypeName: String? {
        (try? uint32("general.file_type")).flatMap(Self.fileTypeName)
    }

    /// The name of a number in `general.file_type`; nil for one that is not known here.
    public static func fileTypeName(_ number: UInt32) -> String? {
        switch number {
        case 0: "F32"
        case 1: "F16"
        case 2: "Q4_0"
        case 3: "Q4_1"
        case 7: "Q8_0"
        case 8: "Q5_0"
        case 9: "Q5_1"
        case 10: "Q2_K"
        case 11: "Q3_K_S"
        case 12: "Q3_K_M"
        case 13: "Q3_K_L"
        case 14: "Q4_K_S"
        case 15: "Q4_K_M"
        case 16: "Q5_K_S"
        case 17: "Q5_K_M"
        case 18: "Q6_K"
        case 25: "IQ4_NL"
        case 32: "BF16"
        default: nil
        }
    }
}
