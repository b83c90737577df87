import NetworkTypes

/// The headers of a packet up to its transport, outermost first, in the notation of the packet
/// walks: `[nM>oA][oM>C]` is a packet from oM to C inside a tunnel from nM to oA;
/// `[nM>oA] GRE(key, seq) [oM>C]` has a GRE header with a key and a sequence number in between.
public struct HeaderStack: Hashable, Sendable {
    public enum Header: Hashable, Sendable {
        case ip(source: IPAddress, destination: IPAddress)
        case gre(keyed: Bool, sequenced: Bool)
    }

    public var headers: [Header]

    public init(_ headers: [Header]) { self.headers = headers }

    /// The IP header that is next to the transport: it identifies the flow.
    public var innermost: (source: IPAddress, destination: IPAddress)? {
        for case .ip(let source, let destination) in headers.reversed() { return (source, destination) }
        return nil
    }

    /// The same walk in the other direction: each pair of addresses reversed.
    public var reversed: HeaderStack {
        HeaderStack(
            headers.map { header in
                guard case .ip(let source, let destination) = header else { return header }
                return .ip(source: destination, destination: source)
            })
    }
}

/// What the letters of a walk stand for, `oM` an address of the mobile node and so on.
public struct AddressNames: Sendable {
    public private(set) var addresses: [String: IPAddress] = [:]
    private var names: [IPAddress: String] = [:]

    public init(_ addresses: [String: IPAddress] = [:]) {
        for (name, address) in addresses { self[name] = address }
    }

    public subscript(name: String) -> IPAddress? {
        get { addresses[name] }
        set {
            if let old = addresses[name], names[old] == name { names[old] = nil }
            addresses[name] = newValue
            if let newValue { names[newValue] = name }
        }
    }

    public func name(of address: IPAddress) -> String { names[address] ?? address.description }
}

extension HeaderStack {
    /// Reads the notation.
    /// - Throws: ``LabError/badNotation(_:_:)`` for anything else, also for a name that stands for no address.
    public init(_ notation: String, _ names: AddressNames) throws {
        func failure(_ cause: String) -> LabError { .badNotation(notation, cause) }
        var headers: [Header] = []
        var rest = notation.drop(while: \.isWhitespace)
        while let first = rest.first {
            let opening: Character = first == "[" ? "[" : "("
            guard opening == "[" || rest.hasPrefix("GRE") else { throw failure("`[` or `GRE` expected at `\(rest)`") }
            let closing: Character = opening == "[" ? "]" : ")"
            let end = rest.firstIndex(of: closing)
            if opening == "(", !rest.hasPrefix("GRE(") {
                headers.append(.gre(keyed: false, sequenced: false))
                rest = rest.dropFirst(3).drop(while: \.isWhitespace)
                continue
            }
            guard let end, let start = rest.firstIndex(of: opening) else { throw failure("`\(closing)` is missing") }
            let content = rest[rest.index(after: start)..<end]
            if opening == "(" {
                let fields = content.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
                guard fields.allSatisfy({ $0 == "key" || $0 == "seq" }) else {
                    throw failure("GRE has `key` and `seq`, not `\(content)`")
                }
                headers.append(.gre(keyed: fields.contains("key"), sequenced: fields.contains("seq")))
            } else {
                let pair = content.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
                guard pair.count == 2 else { throw failure("`[source>destination]` expected, not `[\(content)]`") }
                let addresses = try pair.map { name in
                    guard let address = names[name] ?? IPAddress(name) else {
                        throw failure("`\(name)` stands for no address here")
                    }
                    return address
                }
                headers.append(.ip(source: addresses[0], destination: addresses[1]))
            }
            rest = rest[rest.index(after: end)...].drop(while: \.isWhitespace)
        }
        self.init(headers)
    }

    /// The notation, with names where there are any.
    public func notation(_ names: AddressNames) -> String {
        headers.map { header in
            switch header {
            case .ip(let source, let destination): "[\(names.name(of: source))>\(names.name(of: destination))]"
            case .gre(let keyed, let sequenced):
                switch (keyed, sequenced) {
                case (false, false): " GRE "
                case (true, false): " GRE(key) "
                case (false, true): " GRE(seq) "
                case (true, true): " GRE(key, seq) "
                }
            }
        }.joined()
    }
}
