import BPFKit
import ControlAPI
import Dispatch
import Foundation
import Logging

/// The life of the daemon's process.
public enum Daemon {
    /// Runs the role of the configuration until SIGTERM or SIGINT.
    /// - Parameter file: path of the configuration, read again at SIGHUP.
    public static func run(_ configuration: DaemonConfiguration, file: String) throws {
        let inherited = Descriptors.open()
        signal(SIGPIPE, SIG_IGN)
        let level = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        let format = configuration.logFormat
        let logger = Logger(label: "anchord") { LogOutput(label: $0, level: level, format: format) }
        if let missing = Privileges.missing() { throw DaemonError.notPermitted("\(missing)") }
        try StateFile.makeFolder(configuration.stateDirectory)
        let socketFolder = (configuration.controlSocket as NSString).deletingLastPathComponent
        try StateFile.makeFolder(socketFolder, mode: 0o755)
        let guardian = try InstanceGuard(configuration.stateDirectory + "/lock")
        let process = try DaemonProcess(configuration, file: file, logger: logger)
        let ending = try withExtendedLifetime(guardian) { try process.run() }
        guard ending == .restart else { return }
        // The same program anew, or the version that is installed by now; the data plane stays in force meanwhile.
        Descriptors.closeAtExec(except: inherited)
        let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", arguments)
        throw DaemonError.system("can't start anew: \(String(cString: strerror(errno)))")
    }
}

/// Why the daemon ends.
enum DaemonEnding: Equatable, Sendable {
    case stop
    case restart
}

/// What every role has: a queue, signals, the control socket, readiness.
///
/// What changes is touched on its queue; ``run()`` reads how it ended after that was signalled.
final class DaemonProcess: @unchecked Sendable {
    private let configuration: DaemonConfiguration
    private let file: String
    private let logger: Logger
    private let queue = DispatchQueue(label: "flowanchor.control", qos: .userInitiated)
    private let events = EventHub()
    private let manager = ServiceManager()
    private let role: any DaemonRole
    private let ended = DispatchSemaphore(value: 0)
    private var ending = DaemonEnding.stop
    private var failure: (any Error)?
    private var isEnding = false
    private var sources: [any DispatchSourceProtocol] = []
    private var server: Task<Void, Never>?

    init(_ configuration: DaemonConfiguration, file: String, logger: Logger) throws {
        self.configuration = configuration
        self.file = file
        self.logger = logger
        do {
            if let settings = configuration.accessRouter {
                role = try AccessRouterService(configuration, settings, queue: queue, logger: logger, events: events)
            } else if let settings = configuration.mobileNode {
                role = try MobileNodeService(configuration, settings, queue: queue, logger: logger, events: events)
            } else {
                throw DaemonError("the configuration names no role", exitCode: 78)
            }
        } catch let error as DaemonError {
            throw error
        } catch {
            throw DaemonError.system("\(error)")
        }
    }

    func run() throws -> DaemonEnding {
        try queue.sync {
            do { try role.start() } catch let error as DaemonError { throw error } catch {
                throw DaemonError.system("\(error)")
            }
            watchSignals()
            serve()
            keepAlive()
        }
        logger.notice("ready", metadata: ["instance": "\(configuration.instance)", "role": "\(role.name)"])
        manager.ready("\(role.name) \(configuration.instance)")
        ended.wait()
        manager.stopping()
        events.finish()
        server?.cancel()
        unlink(configuration.controlSocket)
        if let failure { throw failure }
        return ending
    }

    /// Ends the process; on its queue.
    func end(_ ending: DaemonEnding) {
        guard !isEnding else { return }
        isEnding = true
        self.ending = ending
        role.stop(restarting: ending == .restart)
        ended.signal()
    }

    private func watchSignals() {
        for number in [SIGTERM, SIGINT, SIGHUP] {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [weak self] in number == SIGHUP ? self?.reload() : self?.end(.stop) }
            source.activate()
            sources.append(source)
        }
    }

    /// A configuration with mistakes changes nothing.
    private func reload() {
        do throws(ConfigurationError) {
            _ = try DaemonConfiguration(file: file)
        } catch {
            logger.error("the configuration has mistakes, the former one stays", metadata: ["mistakes": "\(error)"])
            return
        }
        logger.notice("starting anew with the changed configuration")
        manager.reloading()
        end(.restart)
    }

    private func serve() {
        let access = ControlServer.Access(
            group: configuration.controlGroup.flatMap { getgrnam($0)?.pointee.gr_gid })
        let role = role
        let path = configuration.controlSocket
        let service = role.control { [weak self] in self?.unloaded() }
        server = Task { [weak self] in
            do {
                try await ControlServer(path: path, access: access, service: service).run()
            } catch is CancellationError {
                return
            } catch {
                self?.fail(DaemonError.unavailable("the control socket can't be served: \(error)"))
            }
        }
    }

    private func fail(_ error: DaemonError) {
        queue.async {
            // The end of the server is part of the end.
            guard !self.isEnding else { return }
            self.failure = error
            self.end(.stop)
        }
    }

    /// The data plane was taken out at an operator's wish. The answer goes out first.
    private func unloaded() {
        queue.asyncAfter(deadline: .now() + .milliseconds(100)) { self.end(.stop) }
    }

    private func keepAlive() {
        guard let watchdog = manager.watchdog else { return }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        let interval = DispatchTimeInterval.microseconds(Int(watchdog / 2))
        timer.schedule(deadline: .now(), repeating: interval)
        timer.setEventHandler { [manager] in manager.alive() }
        timer.activate()
        sources.append(timer)
    }
}

/// What a daemon does. All of it happens on its queue, ``control(unloaded:)`` apart.
protocol DaemonRole: AnyObject, Sendable {
    var name: String { get }
    func start() throws
    /// - Parameter restarting: another process goes on at once.
    func stop(restarting: Bool)
    /// What operators may ask of it.
    /// - Parameter unloaded: called after the data plane was taken out.
    func control(unloaded: @escaping @Sendable () -> Void) -> any ControlService
}
