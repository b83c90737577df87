import AnchorCore
import AnchorDataPlane
import ControlAPI
import NetworkTypes

/// Nodes that know nothing, and their handovers, as operators see them.
extension AccessRouterService {
    var nodeModels: [NodeModel] {
        guard let roaming else {
            return unaware.all.map { address, neighbour in
                located(NodeModel(address: address, place: .here, epoch: 0), at: neighbour)
            }
        }
        return roaming.roaming.hostRows.map { nodeModel($0, own: roaming.name) }
    }

    func nodeModel(_ address: IPAddress) -> NodeModel? {
        guard let roaming else {
            return unaware.neighbour(of: address).map {
                located(NodeModel(address: address, place: .here, epoch: 0), at: $0)
            }
        }
        return roaming.roaming.hostRow(address).map { nodeModel($0, own: roaming.name) }
    }

    private func nodeModel(_ row: Roaming.HostRow, own: String) -> NodeModel {
        let isHere = row.place == own
        var model = NodeModel(
            address: row.address,
            place: row.isClaimed ? .claimed : isHere ? .here : row.place == nil ? .nowhere : .away,
            epoch: row.epoch, anchors: row.anchors, pending: row.pending)
        if !isHere { model.router = row.place }
        guard isHere || row.isClaimed, let neighbour = unaware.neighbour(of: row.address) else { return model }
        return located(model, at: neighbour)
    }

    private func located(_ model: NodeModel, at neighbour: AnchorCore.Neighbour) -> NodeModel {
        var model = model
        model.interface = interfaceName(neighbour.interface)
        model.mac = neighbour.mac
        return model
    }

    var handoverModels: [HandoverModel] {
        let now = MonotonicClock.now()
        return (roaming?.roaming.handovers ?? []).map { handover in
            let steps = [("settled", handover.settled), ("whole", handover.finished)].compactMap { name, time in
                time.map { HandoverModel.Step(name, after: ($0 - handover.began).seconds) }
            }
            return HandoverModel(
                number: handover.number, address: handover.address, epoch: handover.epoch, from: handover.from,
                to: handover.to, asked: handover.asked, begun: (now - handover.began).seconds, steps: steps)
        }
    }

    /// Somebody who knows says that a node is here, before it has sent anything.
    func attachNode(_ address: IPAddress, _ station: StationModel) throws(ControlError) {
        guard let port = plane.ports[station.interface], port.role == .access else {
            let known = settings.access.map(\.interface).joined(separator: ", ")
            throw ControlError(.invalid, "\(station.interface) is no access link; there is \(known)")
        }
        if let previous = station.previous, !plane.routers.all.contains(previous) {
            let known = plane.routers.all.sorted().joined(separator: ", ")
            throw ControlError(.invalid, "\(previous) is no neighbour of this router; there is \(known)")
        }
        let neighbour = AnchorCore.Neighbour(mac: station.mac, interface: InterfaceID(port.index))
        switch unaware.see(address, from: neighbour, at: MonotonicClock.now()) {
        case .letIn(let binding), .move(let binding):
            if let roaming { return roaming.handle(.attached(address, neighbour, previous: station.previous)) }
            do {
                try plane.install(CollectionOfOne(binding))
            } catch {
                throw ControlError(failure: error)
            }
            advertise(to: neighbour)
        case .known: break
        case .refuse(.address):
            throw ControlError(
                .invalid, "\(address) is of no block of \(station.interface) whose addresses need no lease")
        case .refuse(.occupied):
            throw ControlError(.conflict, "another station has \(address), and was heard of lately")
        case .refuse(.quota): throw ControlError(.conflict, "\(station.mac) has as many addresses as it may")
        }
    }
}
