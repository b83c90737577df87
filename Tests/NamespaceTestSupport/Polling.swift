import Glibc
import Netlink

public struct NeverHappened: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// How long to hope for something before it counts as never happening; generous, since nothing measures it.
private let patience = 20_000  // milliseconds

/// Asks again and again until the answer is not `nil`.
@discardableResult
public func poll<Value>(_ what: String, _ ask: () throws -> Value?) throws -> Value {
    for _ in 0..<patience / 5 {
        if let value = try ask() { return value }
        Glibc.poll(nil, 0, 5)
    }
    throw NeverHappened(description: "never happened: \(what)")
}

/// Waits until the descriptor is readable, then takes what there is, until `match` finds what it looks for.
private func firstMatch<Event, Value>(
    _ what: String, _ descriptor: Int32, receive: () throws -> [Event], _ match: (Event) -> Value?
) throws -> Value {
    var seen: [Event] = []
    for _ in 0..<1000 {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&wanted, 1, Int32(patience)) > 0 else { break }
        let events = try receive()
        for event in events {
            if let value = match(event) { return value }
        }
        seen += events
    }
    throw NeverHappened(description: "never happened: \(what); seen instead: \(seen)")
}

extension NetlinkMonitor {
    /// The first change for which `match` gives a value.
    @discardableResult
    public func first<Value>(_ what: String, _ match: (NetlinkChange) -> Value?) throws -> Value {
        try firstMatch(what, descriptor, receive: { try receive() }, match)
    }
}

extension SocketMonitor {
    /// The first socket that ended and meets `condition`.
    @discardableResult
    public func first(_ what: String, where condition: (SocketDescription) -> Bool) throws -> SocketDescription {
        try firstMatch(what, descriptor, receive: { try receive() }) {
            if case .destroyed(let socket) = $0, condition(socket) { socket } else { nil }
        }
    }
}
