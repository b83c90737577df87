/// The life of the daemon's process.
public enum Daemon {
    /// Runs the roles of the configuration until SIGTERM or SIGINT.
    /// - Parameter file: path of the configuration, read again at SIGHUP.
    public static func run(_ configuration: DaemonConfiguration, file: String) throws {
    }
}
