import AnchorCore
import AnchorSimulator
import Testing

/// What the simulator is worth: each of these bugs must not get through a few hundred seeds.
@Suite struct PlantedBugTests {
    private func isFound(within seeds: Int = 300, _ plant: @escaping @Sendable (inout Tampering) -> Void) async -> Bool
    {
        var batch = SimulationBatch(first: 1, count: seeds)
        batch.stopsEarly = true
        batch.adjust = { plant(&$0.tampering) }
        return await !batch.run().failures.isEmpty
    }

    @Test func `a router that acknowledges before it has stored is found`() async {
        #expect(await isFound { $0.confirmsTooEarly = true })
    }

    @Test func `a router whose journal loses its last record is found`() async {
        #expect(await isFound { $0.restored = { Array($0.dropLast()) } })
    }

    @Test func `a router that forgets at a restart what it had accepted is found`() async {
        #expect(
            await isFound { tampering in
                tampering.restored = { records in
                    records.compactMap { record in
                        switch record {
                        case .host(var host):
                            host.order = MessageOrder(epoch: 1, sequence: 0)
                            return .host(host)
                        case .removed(let address, let node, _):
                            return .removed(address: address, node: node, order: MessageOrder(epoch: 1, sequence: 0))
                        case .node: return nil
                        }
                    }
                }
            })
    }

    @Test func `a router that leaves released addresses in its table is found`() async {
        #expect(await isFound { $0.routerAction = { if case .remove = $0 { nil } else { $0 } } })
    }

    @Test func `a router that keeps accepting from former care-of addresses is found`() async {
        #expect(
            await isFound { tampering in
                tampering.routerAction = { action in
                    guard case .install(var binding) = action, binding.alsoAcceptedFrom == nil,
                        case .tunnelled(let tunnel) = binding.location
                    else { return action }
                    binding.alsoAcceptedFrom = tunnel.local
                    return .install(binding)
                }
            })
    }

    @Test func `a router that installs the wrong neighbour is found`() async {
        #expect(
            await isFound { tampering in
                tampering.routerAction = { action in
                    guard case .install(var binding) = action, case .attached(var neighbour) = binding.location else {
                        return action
                    }
                    neighbour.interface = InterfaceID(0)
                    binding.location = .attached(neighbour)
                    return .install(binding)
                }
            })
    }

    @Test func `a router that puts tunnelled packets of others through its server is found`() async {
        #expect(await isFound { $0.serversSeeForeignTunnels = true })
    }

    @Test func `a node that leaves old addresses on its interfaces is found`() async {
        #expect(await isFound { $0.nodeAction = { if case .removeAddress = $0 { nil } else { $0 } } })
    }

    @Test func `a node that never changes the way of its old flows is found`() async {
        #expect(
            await isFound { tampering in
                tampering.nodeAction = { action in
                    if case .install(let binding) = action, case .tunnelled = binding.path { nil } else { action }
                }
            })
    }
}
