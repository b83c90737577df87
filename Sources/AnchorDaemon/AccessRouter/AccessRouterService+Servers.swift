import ControlAPI

extension AccessRouterService {
    var serverModels: [ServerModel] { plane.servers.map(model) }

    private func model(_ server: ServerPlan.Server) -> ServerModel {
        let links = settings.access.filter { $0.servers?.contains(server.name) ?? true }.map(\.interface)
        let interfaces = settings.servers.first { $0.name == server.name }?.interfaces ?? []
        return ServerModel(
            name: server.name, kind: interfaces.count == 2 ? "two-legged" : "one-legged", interfaces: interfaces,
            areLegsUp: server.areLegsUp, isMarkedDown: server.isMarkedDown, whenDown: server.whenDown.rawValue,
            chain: links.joined(separator: ","))
    }

    /// Takes a server out of service or puts it back, in the file first and then in force.
    func setServerState(_ name: String, _ state: ServerStateModel.State) throws(ControlError) -> ServerModel {
        guard plane.servers.contains(where: { $0.name == name }) else {
            let names = settings.servers.map(\.name).joined(separator: ", ")
            throw ControlError(
                .notFound, "there is no server '\(name)' at this router",
                nextStep: names.isEmpty ? "its configuration has none" : "servers are: \(names)")
        }
        do {
            if try serverMarks.set(name, isDown: state == .down) {
                let text = state == .down ? "was marked down" : "is no longer marked down"
                logger.notice("server \(text) by an operator", metadata: ["server": "\(name)"])
                events.tell(
                    "server-marked", "server \(name) \(text) by an operator",
                    ["server": name, "state": state.rawValue])
            }
            // Also where the mark was there already: what failed before is tried again.
            try plane.setMarkedDown(serverMarks.down)
        } catch {
            throw ControlError(failure: error)
        }
        guard let server = plane.servers.first(where: { $0.name == name }) else {
            throw ControlError(.failure, "server '\(name)' is gone")
        }
        return model(server)
    }
}
