/// A table of the data plane.
public struct MapModel: Hashable, Sendable, Codable {
    public var name: String
    /// The kernel's name of its kind, such as `array`.
    public var type: String
    public var keySize: Int
    public var valueSize: Int
    /// Entries that fit; of a ring buffer, bytes.
    public var capacity: Int
    /// Those in use; of a ring buffer, bytes that wait. Absent where there are always the same.
    public var entries: Int?

    /// 0 to 1.
    public var fill: Double? { entries.map { capacity == 0 ? 0 : Double($0) / Double(capacity) } }

    public init(name: String, type: String, keySize: Int, valueSize: Int, capacity: Int, entries: Int?) {
        self.name = name
        self.type = type
        self.keySize = keySize
        self.valueSize = valueSize
        self.capacity = capacity
        self.entries = entries
    }
}

/// An entry of a map, its fields by name in text.
public struct MapEntryModel: Hashable, Sendable, Codable {
    public var key: String
    public var fields: [String: String]

    public init(key: String, fields: [String: String]) {
        self.key = key
        self.fields = fields
    }
}

/// What became of packets, by the reason's name.
public struct ReasonModel: Hashable, Sendable, Codable {
    public var reason: String
    /// `forward`, `kernel` or `drop`.
    public var kind: String
    public var packets: UInt64
    public var meaning: String

    public init(reason: String, kind: String, packets: UInt64, meaning: String) {
        self.reason = reason
        self.kind = kind
        self.packets = packets
        self.meaning = meaning
    }
}

/// Something that happened.
public struct EventModel: Hashable, Sendable, Codable {
    /// Seconds since 1970.
    public var time: Double
    /// Such as `attached`, `moved`, `released`.
    public var kind: String
    public var text: String
    public var fields: [String: String]

    public init(time: Double, kind: String, text: String, fields: [String: String] = [:]) {
        self.time = time
        self.kind = kind
        self.text = text
        self.fields = fields
    }
}
