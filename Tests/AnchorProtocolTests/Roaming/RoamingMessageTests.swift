import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct RoamingMessageTests {
    private static let host = RoamingHost(IPAddress("10.1.0.7")!)

    /// A message, its type and its bytes.
    private struct Vector: Sendable, CustomTestStringConvertible {
        var message: RoamingMessage
        var type: UInt8
        var bytes: String

        var testDescription: String { "\(message.kind)" }
    }

    private static let address = "8002 0004 0a010007 "

    private static let vectors = [
        Vector(
            message: .claim(Claim(host: host, knownEpoch: 0, age: 250, mac: MACAddress("02:00:00:00:00:07")!)),
            type: 16, bytes: address + "8103 0004 00000000 8107 0004 000000fa 8006 0006 020000000007"),
        Vector(
            message: .grant(Grant(host: host, epoch: 9, anchors: ["a", "b"], pending: ["b"])), type: 17,
            bytes: address + "8103 0004 00000009 8108 0001 61 8108 0001 62 8109 0001 62"),
        Vector(message: .unknown(Unknown(host: host)), type: 18, bytes: address),
        Vector(
            message: .held(Held(host: host, epoch: 2, age: .max)), type: 19,
            bytes: address + "8103 0004 00000002 8107 0004 ffffffff"),
        Vector(
            message: .moved(Moved(host: host, epoch: 3, to: "c", pending: ["a"], areAnchorsTold: true)), type: 20,
            bytes: address + "8103 0004 00000003 8101 0001 63 8109 0001 61 810a 0000"),
        Vector(
            message: .movedAck(HostEpoch(host: host, epoch: 3)), type: 21, bytes: address + "8103 0004 00000003"),
        Vector(
            message: .flows(
                Flows(
                    host: host, epoch: 3, number: 1, isLast: true, anchors: ["a", "bc"],
                    flows: [
                        FlowRecord(
                            anchor: 1, transport: 6, localPort: 40112, remote: 0xcb00_7109, remotePort: 443, idle: 5,
                            seen: 3)
                    ])), type: 22,
            bytes: "00000003 00000001 01 04 02 00 00000000 0a010007 01 61 02 6263 01 06 9cb0 cb007109 01bb 0005 0003"),
        Vector(message: .flowsAck(HostEpoch(host: host, epoch: 3)), type: 23, bytes: address + "8103 0004 00000003"),
        Vector(message: .release(HostEpoch(host: host, epoch: 3)), type: 24, bytes: address + "8103 0004 00000003"),
        Vector(
            message: .releaseAck(HostEpoch(host: host, epoch: 3)), type: 25,
            bytes: address + "8103 0004 00000003"),
        Vector(message: .gone(HostEpoch(host: host, epoch: 3)), type: 26, bytes: address + "8103 0004 00000003"),
        Vector(
            message: .station(
                Station(host: host, mac: MACAddress("02:00:00:00:00:07")!, others: [IPAddress("10.1.0.8")!])),
            type: 27,
            bytes: address + "8006 0006 020000000007 810c 0004 0a010008"),
    ]

    @Test(arguments: vectors)
    private func `bytes and message are the same thing both ways`(vector: Vector) throws {
        #expect(vector.message.type == vector.type)
        #expect(hexText(vector.message.encoded) == hexText(hex(vector.bytes)))
        #expect(try RoamingMessage(type: vector.type, payload: hex(vector.bytes)) == vector.message)
    }

    @Test func `every type has a vector`() {
        #expect(Set(Self.vectors.map(\.message.kind)) == Set(RoamingMessageType.allCases))
    }

    @Test func `IPv6 hosts and realms come back as they were`() throws {
        let host = RoamingHost(IPAddress("2001:db8::7")!, realm: 12)
        for message: RoamingMessage in [
            .gone(HostEpoch(host: host, epoch: 1)),
            .flows(Flows(host: host, epoch: 1, number: 0, isLast: false, anchors: [], flows: [])),
        ] {
            #expect(try RoamingMessage(type: message.type, payload: message.encoded) == message)
        }
    }

    @Test func `the largest messages fit into a payload`() throws {
        let names = (0..<32).map { String(repeating: "n", count: 61) + ($0 < 10 ? "0" : "") + "\($0)" }
        let host = RoamingHost(IPAddress("2001:db8::7")!, realm: 1)
        let flow = FlowRecord(anchor: 31, transport: 17, localPort: 1, remote: 2, remotePort: 3)
        for message: RoamingMessage in [
            .grant(Grant(host: host, epoch: .max, anchors: names, pending: names)),
            .moved(Moved(host: host, epoch: .max, to: names[0], pending: names, areAnchorsTold: true)),
            .flows(
                Flows(
                    host: host, epoch: 1, number: .max, isLast: true, anchors: names,
                    flows: Array(repeating: flow, count: Flows.mostFlows))),
        ] {
            #expect(message.encoded.count <= PeerFrameHeader.longestPayload)
            #expect(try RoamingMessage(type: message.type, payload: message.encoded) == message)
        }
    }

    @Test func `a new option of a later version is skipped, a critical one refuses the message`() throws {
        let release = Self.address + "8103 0004 00000003 "
        #expect(
            try RoamingMessage(type: 24, payload: hex(release + "0199 0002 abcd"))
                == .release(HostEpoch(host: Self.host, epoch: 3)))
        #expect(throws: RoamingMessageError.option(.unknownCriticalOption(type: 0x8199))) {
            try RoamingMessage(type: 24, payload: hex(release + "8199 0000"))
        }
        // Known, but not of this message.
        #expect(throws: RoamingMessageError.option(.unknownCriticalOption(type: 0x8107))) {
            try RoamingMessage(type: 24, payload: hex(release + "8107 0004 00000000"))
        }
    }

    /// What no message is, and the error that says so.
    private struct Wrong: Sendable, CustomTestStringConvertible {
        var type: UInt8
        var bytes: String
        var error: RoamingMessageError

        init(_ type: UInt8, _ bytes: String, _ error: RoamingMessageError) {
            self.type = type
            self.bytes = bytes
            self.error = error
        }

        var testDescription: String { "\(type): \(bytes)" }
    }

    private static let flows = "00000003 00000001 01 04 01 00 00000000 0a010007 01 61"

    private static let malformed = [
        Wrong(15, "", .unknownType(15)), Wrong(28, "", .unknownType(28)),
        Wrong(16, "", .missingOption(.claim, type: 0x8002)),
        Wrong(16, address, .missingOption(.claim, type: 0x8103)),
        Wrong(16, address + "8103 0004 00000000", .missingOption(.claim, type: 0x8107)),
        Wrong(16, address + "8103 0004 00000000 8107 0004 00000000", .missingOption(.claim, type: 0x8006)),
        Wrong(
            16, address + "8103 0004 00000000 8107 0004 00000000 8006 0006 000000000000",
            .option(.optionValue(type: 0x8006, value: 0))),
        Wrong(17, address + "8103 0004 00000000", .zeroEpoch(.grant)),
        Wrong(17, address + "8103 0003 000000", .option(.optionLength(type: 0x8103, length: 3))),
        Wrong(17, address + "8103 0004 00000001 8108 0000", .badName(.grant)),
        Wrong(17, address + "8103 0004 00000001 8108 0001 ff", .badName(.grant)),
        Wrong(17, address + "8103 0004 00000001 8108 0040 61*64", .badName(.grant)),
        Wrong(17, address + "8103 0004 00000001 8108 0001 61 8108 0001 61", .repeatedName(.grant, "a")),
        Wrong(
            17, address + "8103 0004 00000001" + String(repeating: " 8109 0001 61", count: 33),
            .option(.tooManyOptions(type: 0x8109, limit: 32))),
        Wrong(18, "8002 0004 00000000", .option(.optionValue(type: 0x8002, value: 0))),
        Wrong(18, "8002 0004 e0000001", .option(.optionValue(type: 0x8002, value: 0xe000_0001))),
        Wrong(18, address + address, .option(.duplicateOption(type: 0x8002))),
        Wrong(18, "8002 0004 0a01", .option(.truncatedOption(type: 0x8002, stated: 4, available: 2))),
        Wrong(18, address + "80", .option(.truncatedOptionHeader(offset: 8))),
        Wrong(18, "00*8193", .payloadLength(.unknown, length: 8193)),
        Wrong(19, address + "8103 0004 00000001", .missingOption(.held, type: 0x8107)),
        Wrong(20, address + "8103 0004 00000001", .missingOption(.moved, type: 0x8101)),
        Wrong(
            20, address + "8103 0004 00000001 8101 0001 61 810a 0001 00",
            .option(.optionLength(type: 0x810a, length: 1))),
        Wrong(
            20, address + "8103 0004 00000001 8101 0001 61 810a 0000 810a 0000",
            .option(.duplicateOption(type: 0x810a))),
        Wrong(21, address, .missingOption(.movedAck, type: 0x8103)),
        Wrong(22, "00*15", .payloadLength(.flows, length: 15)),
        Wrong(22, "00000000 00*12", .zeroEpoch(.flows)),
        Wrong(22, "00000003 00000001 02 04 01 00 00000000 0a010007", .tableField(.flags, value: 2)),
        Wrong(22, "00000003 00000001 01 05 01 00 00000000 0a010007", .tableField(.addressLength, value: 5)),
        Wrong(22, "00000003 00000001 01 04 21 00 00000000 0a010007", .tableField(.anchorCount, value: 33)),
        Wrong(22, "00000003 00000001 01 04 01 01 00000000 0a010007", .tableField(.reserved, value: 1)),
        Wrong(22, "00000003 00000001 01 04 00 00 00000000 00000000", .tableField(.address, value: 0)),
        Wrong(
            22, "00000003 00000001 01 10 00 00 00000000 00*10 ffff 0a010007",
            .tableField(.address, value: 0x0a01_0007)),
        Wrong(22, "00000003 00000001 01 04 00 00 00000000 0a0100", .payloadLength(.flows, length: 19)),
        Wrong(22, "00000003 00000001 01 04 01 00 00000000 0a010007", .payloadLength(.flows, length: 20)),
        Wrong(22, "00000003 00000001 01 04 01 00 00000000 0a010007 02 61", .payloadLength(.flows, length: 22)),
        Wrong(22, "00000003 00000001 01 04 01 00 00000000 0a010007 00", .badName(.flows)),
        Wrong(22, "00000003 00000001 01 04 02 00 00000000 0a010007 01 61 01 61", .repeatedName(.flows, "a")),
        Wrong(22, flows + " 00*13", .payloadLength(.flows, length: 35)),
        Wrong(22, flows + " 01 06 00*12", .flowAnchor(index: 0, anchor: 1)),
        Wrong(22, flows + " 00 06 00*12 00 2f 00*12", .flowProtocol(index: 1, value: 47)),
        Wrong(26, address + "8103 0004 00000000", .zeroEpoch(.gone)),
    ]

    @Test(arguments: malformed)
    private func `a malformed message is refused with what offends`(wrong: Wrong) {
        #expect(throws: wrong.error) { try RoamingMessage(type: wrong.type, payload: hex(wrong.bytes)) }
        #expect(!"\(wrong.error)".isEmpty)
    }

    @Test func `a table with more flows than one message may have is refused`() {
        let head = hex(Self.flows)
        let flows = (0...Flows.mostFlows).flatMap { _ in hex("00 06 00*12") }
        #expect(throws: RoamingMessageError.payloadLength(.flows, length: head.count + flows.count)) {
            try RoamingMessage(type: 22, payload: head + flows)
        }
    }

    @Test func `random and mutated bytes are refused or read, and what is read is written as it was`() throws {
        var random = Random.announced("bytes of roaming messages")
        let good = Self.vectors.map { ($0.type, $0.message.encoded) }
        for round in 0..<Random.iterations(50_000) {
            var (type, bytes) = good[random.count(0...good.count - 1)]
            if round % 2 == 0 {
                bytes = (0..<random.count(0...96)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            } else {
                for _ in 0...random.count(0...3) {
                    bytes[random.count(0...bytes.count - 1)] ^= 1 << UInt8(random.count(0...7))
                }
                if random.bool() { bytes.removeLast(random.count(0...bytes.count)) }
            }
            if let message = try? RoamingMessage(type: type, payload: bytes) {
                #expect(try RoamingMessage(type: type, payload: message.encoded) == message)
            }
            type = UInt8(truncatingIfNeeded: random.next())
            _ = try? RoamingMessage(type: type, payload: bytes)
        }
    }
}
