import NetworkTypes

/// Options of the messages about hosts, whichever of them a message has.
struct RoamingFields {
    /// Routers in one list: as many as a data plane has places for.
    static let mostRouters = 32
    /// Bytes of the longest message, ``Flows`` excepted: two lists of names and some numbers.
    static let longest = 8192

    let type: RoamingMessageType
    private var address: IPAddress?
    private var realm: UInt32?
    private var epochValue: UInt32?
    private var ageValue: UInt32?
    private var macValue: MACAddress?
    private var nameValue: String?
    private(set) var anchors: [String] = []
    private(set) var pending: [String] = []
    private(set) var areAnchorsTold = false
    private(set) var isPartial = false

    /// - Parameter known: types of the options that this message has beside the host; others are skipped or, if they
    ///   are critical, refused.
    init(_ payload: [UInt8], _ type: RoamingMessageType, _ known: [UInt16]) throws(RoamingMessageError) {
        self.type = type
        guard payload.count <= Self.longest else { throw .payloadLength(type, length: payload.count) }
        var read = Reading()
        do throws(MessageError) {
            try payload.withRawBytes { (raw) throws(MessageError) in try read.read(raw, known) }
        } catch {
            throw .option(error)
        }
        address = read.address
        realm = read.realm
        epochValue = read.epoch
        ageValue = read.age
        macValue = read.mac
        if let name = read.name { nameValue = try Self.text(name, type) }
        anchors = try Self.names(read.anchors, type)
        pending = try Self.names(read.pending, type)
        areAnchorsTold = read.areAnchorsTold
        isPartial = read.isPartial
    }

    var host: RoamingHost {
        get throws(RoamingMessageError) {
            guard let address else { throw .missingOption(type, type: OptionType.address) }
            return RoamingHost(address, realm: realm ?? 0)
        }
    }

    var epoch: UInt32 {
        get throws(RoamingMessageError) {
            guard let epochValue else { throw .missingOption(type, type: PeerOptionType.epoch) }
            guard epochValue != 0 else { throw .zeroEpoch(type) }
            return epochValue
        }
    }

    var knownEpoch: UInt32 {
        get throws(RoamingMessageError) {
            guard let epochValue else { throw .missingOption(type, type: PeerOptionType.epoch) }
            return epochValue
        }
    }

    var age: UInt32 {
        get throws(RoamingMessageError) {
            guard let ageValue else { throw .missingOption(type, type: PeerOptionType.age) }
            return ageValue
        }
    }

    var mac: MACAddress {
        get throws(RoamingMessageError) {
            guard let macValue else { throw .missingOption(type, type: OptionType.linkAddress) }
            return macValue
        }
    }

    var name: String {
        get throws(RoamingMessageError) {
            guard let nameValue else { throw .missingOption(type, type: PeerOptionType.name) }
            return nameValue
        }
    }

    static func text(_ bytes: [UInt8], _ type: RoamingMessageType) throws(RoamingMessageError) -> String {
        guard bytes.count <= PeerHello.longestName, let text = String(validating: bytes, as: UTF8.self), !text.isEmpty
        else { throw .badName(type) }
        return text
    }

    static func names(_ all: [[UInt8]], _ type: RoamingMessageType) throws(RoamingMessageError) -> [String] {
        var names: [String] = []
        for bytes in all {
            let name = try text(bytes, type)
            guard !names.contains(name) else { throw .repeatedName(type, name) }
            names.append(name)
        }
        return names
    }

    private struct Reading {
        var address: IPAddress?
        var realm: UInt32?
        var epoch: UInt32?
        var age: UInt32?
        var mac: MACAddress?
        var name: [UInt8]?
        var anchors: [[UInt8]] = []
        var pending: [[UInt8]] = []
        var areAnchorsTold = false
        var isPartial = false

        mutating func read(_ bytes: UnsafeRawBufferPointer, _ known: [UInt16]) throws(MessageError) {
            var options = OptionReader(bytes, in: 0..<bytes.count)
            while let option = try options.next() {
                switch option.type {
                case OptionType.address: try address.setOnce(try option.hostAddress(), option)
                case PeerOptionType.realm: try realm.setOnce(try option.u32(), option)
                case let other where !known.contains(other): try option.skip()
                case PeerOptionType.epoch: try epoch.setOnce(try option.u32(), option)
                case PeerOptionType.age: try age.setOnce(try option.u32(), option)
                case OptionType.linkAddress: try mac.setOnce(try option.linkAddress(), option)
                case PeerOptionType.name: try name.setOnce([UInt8](option.value), option)
                case PeerOptionType.anchor:
                    try option.append([UInt8](option.value), to: &anchors, limit: RoamingFields.mostRouters)
                case PeerOptionType.pending:
                    try option.append([UInt8](option.value), to: &pending, limit: RoamingFields.mostRouters)
                case PeerOptionType.anchorsTold: try Self.set(&areAnchorsTold, option)
                case PeerOptionType.partial: try Self.set(&isPartial, option)
                default: try option.skip()
                }
            }
        }

        /// An option that says all by being there.
        private static func set(_ flag: inout Bool, _ option: OptionView) throws(MessageError) {
            try option.requireLength(0)
            guard !flag else { throw .duplicateOption(type: option.type) }
            flag = true
        }
    }

    /// The payload that `body` writes, behind the host's options.
    static func encoded(_ host: RoamingHost, _ body: (inout MessageWriter) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: longest, alignment: 8) { buffer in
            var writer = MessageWriter(buffer)
            writer.option(OptionType.address, address: host.address)
            if host.realm != 0 { writer.option(PeerOptionType.realm, u32: host.realm) }
            body(&writer)
            return [UInt8](writer.written)
        }
    }
}

extension MessageWriter {
    mutating func option(_ type: UInt16, name: String) {
        let bytes = Array(name.utf8)
        precondition((1...PeerHello.longestName).contains(bytes.count), "a router's name has 1 to 63 bytes")
        option(type, length: bytes.count)
        bytes.withUnsafeBytes { put(bytes: $0) }
    }

    mutating func options(_ type: UInt16, names: [String]) {
        precondition(names.count <= RoamingFields.mostRouters, "at most 32 routers in a list")
        for name in names { option(type, name: name) }
    }
}
