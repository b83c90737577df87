import AnchorCore
import AnchorProtocol
import AnchorSimulator
import Testing

/// What the simulator of roaming hosts is worth: each of these bugs must not get through a few hundred seeds.
@Suite struct RoamingPlantedBugTests {
    private func isFound(
        within seeds: Int = 300, _ plant: @escaping @Sendable (inout RoamingTampering) -> Void
    ) async -> Bool {
        var batch = RoamingBatch(first: 1, count: seeds)
        batch.stopsEarly = true
        batch.adjust = { plant(&$0.tampering) }
        return await !batch.run().failures.isEmpty
    }

    /// Bindings that are put in force, changed.
    private func isFound(installing change: @escaping @Sendable (inout RoamingBinding) -> Void) async -> Bool {
        await isFound { tampering in
            tampering.actions = { _, actions in
                actions.map { action in
                    guard case .install(var binding) = action else { return action }
                    change(&binding)
                    return .install(binding)
                }
            }
        }
    }

    /// Messages that never arrive.
    private func isFound(losing kind: RoamingMessageType) async -> Bool {
        await isFound { tampering in
            tampering.actions = { _, actions in
                actions.filter { action in
                    if case .send(let message, _) = action { message.kind != kind } else { true }
                }
            }
        }
    }

    @Test func `a router that obeys a move whoever says so is found`() async {
        #expect(
            await isFound { tampering in
                tampering.event = { event, machine in
                    guard case .message(.moved(let moved), _) = event,
                        case .away(let place) = machine.binding(of: moved.host.address)?.place
                    else { return event }
                    return .message(.moved(moved), from: place)
                }
            })
    }

    @Test func `a router that believes anybody that a host is gone is found`() async {
        #expect(
            await isFound { tampering in
                tampering.event = { event, machine in
                    guard case .message(.gone(let gone), _) = event,
                        case .away(let place) = machine.binding(of: gone.host.address)?.place
                    else { return event }
                    return .message(.gone(gone), from: place)
                }
            })
    }

    @Test func `a router that doesn't look at epochs is found`() async {
        #expect(
            await isFound { tampering in
                tampering.event = { event, machine in
                    guard case .message(let message, let peer) = event,
                        let epoch = machine.binding(of: message.host.address)?.epoch
                    else { return event }
                    switch message {
                    case .flows(var flows):
                        flows.epoch = epoch
                        return .message(.flows(flows), from: peer)
                    case .flowsAck(var ack):
                        ack.epoch = epoch
                        return .message(.flowsAck(ack), from: peer)
                    case .moved(var moved):
                        moved.epoch = max(moved.epoch, epoch + 1)
                        return .message(.moved(moved), from: peer)
                    case .claim, .grant, .unknown, .held, .movedAck, .release, .releaseAck, .gone, .station:
                        return event
                    }
                }
            })
    }

    @Test func `a router that lets flows begin where its host has been is found`() async {
        #expect(await isFound(installing: { $0.isAsked = false }))
    }

    @Test func `a router that asks nobody about flows that it doesn't know is found`() async {
        #expect(await isFound(installing: { $0.previous = nil }))
    }

    @Test func `a router that lets a host's packets on before it knows who had it is found`() async {
        #expect(
            await isFound(installing: { binding in
                if case .here(let neighbour, _) = binding.place { binding.place = .here(neighbour, isClaimed: false) }
            }))
    }

    @Test func `a router that takes nothing from where its host has just been is found`() async {
        #expect(await isFound(installing: { $0.alsoAcceptedFrom = [] }))
    }

    @Test func `a router that takes nothing from anchors is found`() async {
        #expect(
            await isFound(installing: { binding in
                if let previous = binding.previous { binding.anchors = [previous] } else { binding.anchors = [] }
            }))
    }

    @Test func `a router that doesn't wait until an anchor knows where its host is is found`() async {
        #expect(await isFound { $0.configuration = { $0.tellPatience = .zero } })
    }

    @Test func `a router that says nothing again when a session is up is found`() async {
        #expect(
            await isFound { tampering in
                tampering.configuration = {
                    $0.retry = .seconds(1000)
                    $0.tellPatience = .seconds(1000)
                }
                tampering.actions = { event, actions in
                    guard case .up = event else { return actions }
                    return actions.filter { action in
                        switch action {
                        case .send(.claim, _): true
                        case .send, .sendFlows: false
                        case .install, .remove, .release, .refuse, .cancelFlows, .insertFlows, .removeAway, .report:
                            true
                        }
                    }
                }
            })
    }

    @Test func `a router that keeps the flows of others for itself is found`() async {
        #expect(
            await isFound { tampering in
                tampering.actions = { _, actions in
                    actions.filter { if case .removeAway = $0 { false } else { true } }
                }
            })
    }

    @Test func `a router that takes the first part of a table for all of it is found`() async {
        #expect(
            await isFound { tampering in
                tampering.event = { event, _ in
                    guard case .message(.flows(var flows), let peer) = event else { return event }
                    flows.isLast = true
                    return .message(.flows(flows), from: peer)
                }
            })
    }

    @Test func `a router that gives a host away and says so before its entry does is found`() async {
        #expect(
            await isFound { tampering in
                tampering.actions = { _, actions in
                    let isGiving = actions.contains { if case .send(.grant, _) = $0 { true } else { false } }
                    guard isGiving else { return actions }
                    return actions.filter { if case .install = $0 { false } else { true } }
                }
            })
    }

    @Test func `a router that forgets its hosts when it starts anew is found`() async {
        #expect(await isFound { $0.adopted = { _ in nil } })
    }

    @Test func `a router that forgets when it starts anew that a table is to be sent is found`() async {
        #expect(
            await isFound { tampering in
                tampering.adopted = { binding in
                    var binding = binding
                    binding.isAsked = false
                    return binding
                }
            })
    }

    @Test(arguments: [RoamingMessageType.grant, .moved, .movedAck, .flowsAck, .release, .gone])
    func `a router that never sends one kind of message is found`(kind: RoamingMessageType) async {
        #expect(await isFound(losing: kind))
    }
}
