import AnchorDaemon
import ArgumentParser
import Foundation

/// The daemon: an access router or a mobile node, or both, as its configuration says.
@main
struct Anchord: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchord",
        abstract: "Anchors flows at access routers, and keeps a mobile node's flows while it moves.",
        discussion: """
            Runs in the foreground and logs to standard error. SIGTERM ends it and leaves the data plane in force, so \
            that packets go on while it is replaced; 'anchorctl unload' takes the data plane out.
            """)

    @Option(name: [.customLong("config"), .customShort("c")], help: "The configuration file (TOML).")
    var file = "/etc/flowanchor/anchord.toml"

    @Flag(help: "Check the configuration, name every mistake with its line, and touch nothing.")
    var check = false

    func run() throws {
        do {
            let configuration = try DaemonConfiguration(file: file)
            if check {
                print("\(file): no mistakes")
                return
            }
            try Daemon.run(configuration, file: file)
        } catch let error as ConfigurationError {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(78)  // EX_CONFIG
        } catch let error as DaemonError {
            FileHandle.standardError.write(Data("anchord: \(error)\n".utf8))
            throw ExitCode(error.exitCode)
        }
    }
}
