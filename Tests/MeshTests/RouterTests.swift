import Gossip
import Testing
import Wire

@testable import Mesh

let small = ModelOffer(digest: ModelDigest(number: 1), name: "small", contextLength: 512)
let big = ModelOffer(digest: ModelDigest(number: 2), name: "big", contextLength: 4096)

func member(
    _ number: UInt64, models: [ModelOffer] = [], routable: Bool = true, milliseconds: Int? = nil
) -> RoutingMember {
    RoutingMember(
        node: NodeID(number: number), name: "node-\(number)", isRoutable: routable,
        models: models, numerics: "n1", roundTrip: milliseconds.map { .milliseconds($0) })
}

@Suite struct RouterTests {
    @Test func aModelThatIsHereIsServedHereFirst() throws {
        let plan = try Router.plan(
            model: "small", local: member(9, models: [small]),
            peers: [member(1, models: [small], milliseconds: 1)])
        #expect(plan.targets.map(\.node) == [NodeID(number: 9), NodeID(number: 1)])
        #expect(plan.targets[0].isLocal)
    }

    @Test func theLowestMeasuredRoundTripComesFirstWhateverTheOrderOfPeers() throws {
        let peers = [
            member(1, models: [small]), member(2, models: [small], milliseconds: 8),
            member(3, models: [small], milliseconds: 3), member(4, models: [big], milliseconds: 1),
            member(5, models: [small], routable: false, milliseconds: 1),
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10 {
            let plan = try Router.plan(
                model: "small", local: member(9), peers: peers.shuffled(using: &generator))
            #expect(plan.targets.map(\.name) == ["node-3", "node-2", "node-1"])
        }
    }

    @Test func noMoreNodesAreTriedThanTheLimit() throws {
        let peers = (1...20).map { member($0, models: [small], milliseconds: Int($0)) }
        let plan = try Router.plan(model: "small", local: member(99, models: [small]), peers: peers)
        #expect(plan.targets.count == MeshLimits.attemptsMax)
    }

    @Test func anUnknownModelIsNamedWithThoseThatThereAre() {
        #expect(throws: RouteFailure.unknownModel(name: "huge", available: ["big", "small"])) {
            try Router.plan(
                model: "huge", local: member(9, models: [small]), peers: [member(1, models: [big])])
        }
    }

    @Test func aModelWhoseHoldersAreAllDeadIsToldApartFromAnUnknownOne() {
        #expect(throws: RouteFailure.noLiveHolder(name: "big", holders: ["node-1"])) {
            try Router.plan(
                model: "big", local: member(9), peers: [member(1, models: [big], routable: false)])
        }
    }

    @Test func aModelIsFoundByTheStartOfItsDigest() throws {
        let digest = String(big.digest.hex.prefix(63)) + "2"
        let plan = try Router.plan(
            model: digest, local: member(9), peers: [member(1, models: [big])])
        #expect(plan.model == big)
    }

    @Test func whenTwoFilesShareANameTheOneMoreLivePeersHoldIsTaken() throws {
        let other = ModelOffer(digest: ModelDigest(number: 7), name: "small", contextLength: 512)
        let plan = try Router.plan(
            model: "small", local: member(9),
            peers: [
                member(1, models: [small]), member(2, models: [other]), member(3, models: [other]),
            ])
        #expect(plan.model.digest == other.digest)
    }

    @Test func withoutANameTheFirstModelIsTaken() throws {
        #expect(
            try Router.plan(model: nil, local: member(9, models: [small]), peers: []).model == small
        )
        #expect(
            try Router.plan(
                model: nil, local: member(9), peers: [member(1, models: [small, big])]
            ).model == big)
        #expect(throws: RouteFailure.noModels) {
            try Router.plan(model: nil, local: member(9), peers: [member(1)])
        }
    }
}
