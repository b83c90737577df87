import AnchorProtocol
import NetworkTypes
import Testing

/// T7: nothing that is sent to an unverified address is larger than what came from it.
@Suite struct AmplificationTests {
    @Test func `no advertisement is larger than a solicitation`() {
        let largest = Advertise(
            inReplyTo: Fixture.request, lifetime: 1, interval: 1, capabilities: [],
            endpoints: [ip("192.0.2.1"), ip("2001:db8::1")],
            prefixes: [IPPrefix](repeating: block("fd01::/64"), count: 12))
        let answer = Fixture.encode(AnchorMessage(Fixture.fromRouter(), .advertise(largest)))
        #expect(answer.count <= Solicit.minimumLength)
    }

    @Test func `no attach reply is larger than its request`() {
        for previous in 0...16 {
            let request = AttachRequest(
                linkAddress: mac("02:00:00:00:00:01"), families: [.v4, .v6], lifetime: 600,
                previousAddresses: [IPAddress](repeating: ip("fd01::5"), count: previous))
            // Everything that was there before, and one new address a family.
            let six = AddressLease(address: ip("fd01::5"), gateway: ip("fd01::1"), prefixLength: 64, lifetime: 600)
            let four = AddressLease(
                address: ip("10.1.0.5"), gateway: ip("10.1.0.1"), prefixLength: 24, lifetime: 600)
            let reply = AttachReply(
                inReplyTo: Fixture.request, leases: [AddressLease](repeating: six, count: previous + 1) + [four],
                endpoints: [ip("192.0.2.1"), ip("2001:db8::1")], mtu: 1500, greKey: 1, capabilities: [])
            let came = Fixture.encode(AnchorMessage(Fixture.fromNode(), .attachRequest(request))).count
            let goes = Fixture.encode(AnchorMessage(Fixture.fromRouter(), .attachReply(reply))).count
            #expect(goes <= came, "\(previous) previous addresses")
            #expect(came <= MessageHeader.longestMessage)
        }
    }

    @Test func `no acknowledgement is larger than its request`() {
        let acks: [MessageBody] = [
            .locationAck(
                LocationAck(
                    inReplyTo: Fixture.request, address: ip("fd01::5"), tunnel: .gre(key: 1, sequenced: true),
                    lifetime: 600)),
            .releaseAck(ReleaseAck(inReplyTo: Fixture.request, address: ip("fd01::5"))),
        ]
        for ack in acks {
            let size = Fixture.encode(AnchorMessage(Fixture.fromRouter(), ack)).count
            #expect(size <= LocationUpdate.minimumLength && size <= Release.minimumLength)
        }
    }

    @Test func `requests are as long as receivers demand`() throws {
        var random = Random.announced("padding")
        for _ in 0..<500 {
            for type in [MessageType.solicit, .attachRequest, .locationUpdate, .release] {
                let message = random.message(type)
                #expect(throws: Never.self) { try Fixture.open(Fixture.encode(message)) }
            }
        }
    }

    @Test func `a refusal with the receiver's view fits the smallest request`() throws {
        let error = ErrorReply(
            inReplyTo: Fixture.request, code: .staleEpoch, receiverView: MessageReference(epoch: 9, sequence: 1),
            text: String(repeating: "x", count: 128))
        let message = AnchorMessage(Fixture.fromRouter(), .error(error))
        let bytes = try #require(
            message.encoded(with: Fixture.association, noLongerThan: LocationUpdate.minimumLength))
        #expect(bytes.count == LocationUpdate.minimumLength)
        guard case .error(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.receiverView == MessageReference(epoch: 9, sequence: 1))
        #expect(message.encoded(with: Fixture.association, noLongerThan: 99) == nil)
    }
}
