/// The values of `format`, as expressions that match some valid texts, not all: what is written
/// follows the standard, as JSON Schema names it.
enum StringFormats {
    /// The expression of each format.
    static let expressions: [String: String] = [
        "date": "^(\(date))$",
        "time": "^\(time)$",
        "date-time": "^(\(date))T\(time)$",
        "duration": "^P((\(days))(\(clock))?|\(clock)|\(n)W)$",
        "uuid": "^\(hex){8}-\(hex){4}-\(hex){4}-\(hex){4}-\(hex){12}$",
        "email": "^\(atom)(\\.\(atom)){0,2}@\(label)(\\.\(label)){1,2}$",
        "hostname": "^\(label)(\\.\(label)){0,2}$",
        "ipv4": "^(\(octet)\\.){3}\(octet)$",
        "ipv6": "^(\(hex){1,4}:){7}\(hex){1,4}$",
        "uri": "^https?://\(label)(\\.\(label)){1,2}(/[A-Za-z0-9._~-]{1,64}){0,8}/?$",
    ]

    private static let hex = "[0-9a-f]"
    // RFC 3339, without what some readers refuse: year 0 and the leap second.
    private static let year = "([1-9]\\d{3}|0[1-9]\\d\\d|00[1-9]\\d|000[1-9])"
    private static let monthAndDay =
        "((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)"
        + "|02-(0[1-9]|1\\d|2[0-8]))"
    private static let fourths = "(0[48]|[2468][048]|[13579][26])"
    private static let leapYear = "(\\d\\d\(fourths)|\(fourths)00)"
    private static let date = "\(year)-\(monthAndDay)|\(leapYear)-02-29"
    private static let hour = "([01]\\d|2[0-3])"
    private static let time =
        "\(hour):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]\(hour):[0-5]\\d)"
    // RFC 3339, appendix A.
    private static let n = "\\d{1,6}"
    private static let days = "\(n)D|\(n)M(\(n)D)?|\(n)Y(\(n)M(\(n)D)?)?"
    private static let clock = "T(\(n)H(\(n)M(\(n)S)?)?|\(n)M(\(n)S)?|\(n)S)"
    // RFC 1123 and RFC 5321, the plain cases.
    private static let label = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
    private static let atom = "[A-Za-z0-9_%+-]{1,20}"
    private static let octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
}
