import Glibc
import Netlink
import NetworkTypes

/// Settings of an interface below /proc/sys/net that a mobile node needs otherwise than they are, and puts back; and
/// those that a router with NAT needs.
struct InterfaceSettings {
    /// Milliseconds; the kernel's own default is 1000, with three attempts.
    private static let neighbourRetransmission = 100

    private let namespace: NetworkNamespace?
    private var originals: [String: String] = [:]

    /// - Parameter namespace: where the interfaces are; the process's own by default.
    init(namespace: NetworkNamespace? = nil) { self.namespace = namespace }

    /// A setting that could not be changed.
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let value: String
        let code: Int32
        var description: String {
            "cannot set \(path) to \(value): \(String(cString: strerror(code))); run as root, with /proc/sys writable"
        }
    }

    /// Makes an uplink fit for addresses that are reached through tunnels.
    ///
    /// - A packet taken out of its tunnel comes from anywhere, on the link where the node is now: strict reverse path
    ///   filtering becomes loose, no filtering stays as it is. The kernel takes the larger of the interface's value and
    ///   that for all.
    /// - IPv6 addresses outlive the interface being set down, as IPv4's do.
    /// - A question for a router's MAC that is lost, as happens in the moment when a link comes up, is asked again soon,
    ///   and for about as long in all as before.
    mutating func prepareUplink(_ name: String) throws {
        let filter = "/proc/sys/net/ipv4/conf/\(name)/rp_filter"
        let strict = "1"
        if try read(filter) == strict || read("/proc/sys/net/ipv4/conf/all/rp_filter") == strict {
            try change(filter, to: "2")
        }
        try change("/proc/sys/net/ipv6/conf/\(name)/keep_addr_on_down", to: "1")
        for family in ["ipv4", "ipv6"] {
            let folder = "/proc/sys/net/\(family)/neigh/\(name)"
            try change(folder + "/retrans_time_ms", to: "\(Self.neighbourRetransmission)")
            try change(folder + "/mcast_solicit", to: "\(3000 / Self.neighbourRetransmission)")
        }
    }

    /// Makes an access router's interface pass packets whose source address is this machine's own, as those of hosts
    /// behind a NAT may be. Nobody puts it back: the programs translate on when the daemon has ended.
    mutating func prepareTranslation(_ name: String) throws {
        try change("/proc/sys/net/ipv4/conf/\(name)/accept_local", to: "1")
    }

    /// What keeps the kernel from passing such packets on an interface, with the command that mends it; `nil` if
    /// nothing does. The kernel filters by the larger of the interface's value and that for all.
    func translationWarning(_ name: String) -> String? {
        func value(_ path: String) -> String? { (try? read("/proc/sys/net/ipv4/conf/\(path)")) ?? nil }
        let filters = [value("\(name)/rp_filter"), value("all/rp_filter")].compactMap { $0.flatMap(Int.init) }
        if filters.max() == 1 {
            return "\(name): translated packets that the kernel passes are dropped by its reverse path filter; "
                + "sysctl -w net.ipv4.conf.\(name).rp_filter=2"
        }
        if value("\(name)/accept_local") == "0" {
            return "\(name): translated packets that the kernel should pass look forged to it; "
                + "sysctl -w net.ipv4.conf.\(name).accept_local=1"
        }
        return nil
    }

    /// Puts back what was changed, on interfaces that still exist.
    mutating func restore() {
        for (path, value) in originals { try? write(value, to: path) }
        originals = [:]
    }

    private mutating func change(_ path: String, to value: String) throws {
        // Not there: the kernel has no IPv6.
        guard let original = try read(path), original != value else { return }
        try write(value, to: path)
        if originals[path] == nil { originals[path] = original }
    }

    /// `nil` where there is no such setting.
    private func read(_ path: String) throws -> String? {
        try inside {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = Glibc.read(file, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).filter { !$0.isWhitespace }
        }
    }

    private func write(_ value: String, to path: String) throws {
        try inside {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw Failure(path: path, value: value, code: errno) }
            defer { close(file) }
            guard Glibc.write(file, value, value.utf8.count) == value.utf8.count else {
                throw Failure(path: path, value: value, code: errno)
            }
        }
    }

    private func inside<Value>(_ body: () throws -> Value) throws -> Value {
        try namespace?.run(body) ?? body()
    }
}
