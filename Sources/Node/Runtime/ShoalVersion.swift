/// The version of the program.
public enum ShoalVersion {
    /// As printed by `shoal --version` and told to clients.
    public static let current = "0.1.0"
}
