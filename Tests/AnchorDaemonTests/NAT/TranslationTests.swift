import Glibc
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDaemon
@testable import AnchorDataPlane

/// Hosts and their ports over tables in the kernel.
@Suite(.kernel, .serialized) final class TranslationTests {
    private let dataPlane: KernelDataPlane
    private let ranges = [OutsideRange(first: IPAddress("192.0.2.1")!, count: 1, index: 0)]
    private var reports: [Translation.Report] = []

    init() throws {
        dataPlane = try KernelDataPlane(
            .init(
                instance: "test-\(getpid())-translation", hostCapacity: 64,
                nat: .init(translations: 1024, subscribers: 512, outsideAddresses: 1)))
        try dataPlane.setConfiguration(DataPlaneConfiguration(inside: settings.inside, outside: ranges))
    }

    deinit { _ = try? dataPlane.unload() }

    private var settings: NATSettings {
        var settings = NATSettings()
        settings.inside = [IPPrefix("10.1.0.0/16")!]
        settings.blocksPerHost = 2
        settings.flowLimit = 77
        return settings
    }

    private func translation() -> Translation {
        Translation(settings, dataPlane.nat, outside: ranges) { [unowned self] in reports.append($0) }
    }

    private func host(_ number: Int) -> IPAddress { IPAddress(v4: 0x0a01_0000 + UInt32(number)) }

    private func pass() async -> TranslationPass.Result {
        let passes = TranslationPass(dataPlane, settings)
        return await withCheckedContinuation { continuation in
            passes.begin { continuation.resume(returning: $0) }
        }
    }

    private var assigned: [PortBlock] {
        reports.compactMap { if case .assigned(_, _, let block) = $0 { block } else { nil } }
    }

    @Test func `an inside host has an address and a block, others have nothing`() throws {
        let translation = translation()
        translation.admit(host(1))
        translation.admit(IPAddress("10.2.0.1")!)
        translation.admit(IPAddress("2001:db8::1")!)
        let subscriber = try #require(dataPlane.nat.subscriber(host(1)))
        #expect(subscriber.outside == IPAddress("192.0.2.1"))
        #expect(subscriber.flowLimit == 77)
        #expect(subscriber.blocks == assigned && assigned.count == 1)
        #expect(dataPlane.nat.subscribers.entries == 1)
    }

    @Test func `a host that moves, or was there before a restart, keeps what it has`() throws {
        translation().admit(host(1))
        let before = dataPlane.nat.subscriber(host(1))
        let again = translation()
        again.admit(host(1))
        again.admit(host(1))
        #expect(dataPlane.nat.subscriber(host(1)) == before)
        #expect(assigned.count == 1, "told once")
        again.admit(host(2))
        #expect(Set(assigned).count == 2, "another block")
    }

    @Test func `more blocks are granted as they are asked for, up to the limit`() throws {
        let translation = translation()
        translation.admit(host(1))
        let index = try #require(dataPlane.nat.subscriber(host(1))?.index)
        translation.blockWanted(by: index)
        #expect(dataPlane.nat.subscriber(host(1))?.blocks.count == 1, "it did not ask")
        for _ in 0..<3 {
            want(index)
            translation.blockWanted(by: index)
        }
        #expect(dataPlane.nat.subscriber(host(1))?.blocks.count == 2)
        #expect(dataPlane.nat.subscriber(host(1))?.wantsBlock == true, "no event comes again and again")
        translation.blockWanted(by: 400)
        translation.blockWanted(by: .max)
    }

    @Test func `a wish whose event was lost is found by the pass`() async throws {
        let translation = translation()
        translation.admit(host(1))
        want(try #require(dataPlane.nat.subscriber(host(1))?.index))
        translation.finish(await pass())
        #expect(dataPlane.nat.subscriber(host(1))?.blocks.count == 2)
    }

    @Test func `a host that has gone leaves its block to another, and both are told`() async throws {
        let translation = translation()
        for number in 0..<126 { translation.admit(host(number)) }
        translation.admit(host(200))
        translation.admit(host(201))
        #expect(translation.unassigned == 2)
        #expect(reports.filter { if case .exhausted = $0 { true } else { false } }.count == 1, "told once")
        translation.dismiss(host(5))
        translation.dismiss(host(201))
        translation.finish(await pass())
        #expect(translation.unassigned == 0)
        #expect(dataPlane.nat.subscriber(host(5)) == nil)
        #expect(dataPlane.nat.subscriber(host(200)) != nil)
        #expect(translation.pool.free == 0)
        let returned = reports.compactMap { if case .returned(let inside, _, _) = $0 { inside } else { nil } }
        #expect(returned == [host(5)])
    }

    @Test func `an address without a block for those that need more is told once`() throws {
        let translation = translation()
        for number in 0..<126 { translation.admit(host(number)) }
        let index = try #require(dataPlane.nat.subscriber(host(1))?.index)
        want(index)
        translation.blockWanted(by: index)
        translation.blockWanted(by: index)
        #expect(reports.filter { if case .addressFull = $0 { true } else { false } }.count == 1)
        #expect(dataPlane.nat.subscriber(host(1))?.blocks.count == 1)
    }

    @Test func `hosts that are none any more after a restart lose their ports`() async throws {
        let former = translation()
        for number in 0..<10 { former.admit(host(number)) }
        let translation = translation()
        translation.admit(host(3))
        #expect(dataPlane.nat.subscribers.entries != translation.admissions)
        translation.dismissAll { $0 == self.host(3) }
        translation.finish(await pass())
        #expect(dataPlane.nat.subscribers.entries == 1)
        #expect(translation.pool.free == 125)
    }

    @Test func `those of an outside address that is none any more are taken out before it is`() throws {
        translation().admit(host(1))
        // As the end of the process would.
        dataPlane.lock.release()
        let adopted = try KernelDataPlane(dataPlane.options)
        #expect(Translation.leave(ranges, adopted, NATTimeouts()) == 0)
        #expect(adopted.nat.subscriber(host(1)) != nil)
        let other = [OutsideRange(first: IPAddress("192.0.2.9")!, count: 1, index: 0)]
        #expect(Translation.leave(other, adopted, NATTimeouts()) == 1)
        #expect(adopted.nat.subscriber(host(1)) == nil)
        #expect(adopted.nat.blocksInUse().isEmpty)
    }

    /// As a program does that found the last block half used.
    private func want(_ index: UInt32) {
        dataPlane.nat.field(NATOffset.wantsBlock, of: Int(index)).storeBytes(of: 1, as: UInt32.self)
    }
}
