import Kernels

// Grouped queries (Ainslie et al. 2023) over pages of keys and values.

extension LayerPass {
    /// Writes cosines and sines of all positions: for each row those of the global rotation, then
    /// those of the local one, if it is another.
    func fillAngles() {
        guard let rotaries = model.rotaries else { return }
        let (length, hasLocal) = (c.angleLength, c.windowRotation != nil)
        let positions = rows.positions
        forEach(rows.count, elements: length * 8) { row in
            var to = workspace.angles + row * length
            rotaries.global.fill(
                position: positions[row], cosines: to, sines: to + rotaries.global.pairCount)
            guard hasLocal else { return }
            to += 2 * rotaries.global.pairCount
            rotaries.local.fill(
                position: positions[row], cosines: to, sines: to + rotaries.local.pairCount)
        }
    }

    /// Adds biases to queries, keys and values, normalises and turns the heads of queries and keys,
    /// and stores keys and values in the pages.
    func prepareHeads(_ layer: Layer<PackedMatrix, FloatVector>, index: Int) {
        let (length, dimension) = (c.attentionInputLength, c.headDimension)
        let (positions, entries) = (rows.positions, rows.entries)
        let rotary = c.isLocal(layer: index) ? model.rotaries?.local : model.rotaries?.global
        let anglesStart =
            c.isLocal(layer: index) && c.windowRotation != nil
            ? 2 * (model.rotaries?.global.pairCount ?? 0) : 0
        tables.withPointers { pointers in
            guard let pointers else { return }
            forEach(rows.count, elements: length * 2) { row in
                let queries = workspace.heads + row * length
                let keys = queries + c.queryLength
                var biased = queries
                for linear in layer.attentionInputs {
                    if let bias = linear.bias {
                        kernels.add(bias.pointer, count: bias.count, to: biased)
                    }
                    biased += linear.matrix.rows
                }
                let cosines = workspace.angles + row * c.angleLength + anglesStart
                func prepare(_ head: UnsafeMutablePointer<Float>, _ norm: FloatVector?) {
                    if let norm {
                        kernels.rmsNorm(
                            head, weight: norm.pointer, count: dimension, epsilon: c.normEpsilon,
                            into: head)
                    }
                    rotary?.turn(
                        head, cosines: cosines, sines: cosines + (rotary?.pairCount ?? 0),
                        kernels: kernels)
                }
                for head in 0..<c.headCount {
                    prepare(queries + head * dimension, layer.queryNorm)
                }
                let (block, slot) = positions[row].quotientAndRemainder(
                    dividingBy: KVBlock.positions)
                let page = pointers[tables.start(of: entries[row]) + block]
                for head in 0..<c.kvHeadCount {
                    let key = keys + head * dimension
                    prepare(key, layer.keyNorm)
                    kernels.storeKV(
                        pages.type.format,
                        block: UnsafeMutableRawPointer(mutating: page)
                            + pages.offset(layer: index, head: head),
                        slot: slot, headDimension: dimension, key: key,
                        value: key + c.keyLength)
                }
            }
        }
    }

    /// Every query head attends to its key head's positions; the result is the next product's
    /// input.
    func attend(_ layer: Layer<PackedMatrix, FloatVector>, index: Int) throws(ModelError) {
        let input = workspace.input
        input.reshape(count: rows.count, columns: c.queryLength)
        let out = input.values
        let tiles = rows.tiles(of: ModelLimits.queriesPerTile)
        var first = 0
        while first < tiles.count {
            try checkCancelled()
            var (end, work) = (first, 0)
            while end < tiles.count, work < ModelLimits.multiplicationsBetweenChecks {
                work += 2 * tiles[end].count * (tiles[end].position + 64) * c.queryLength
                end += 1
            }
            attend(tiles[first..<end], layer: index, into: out)
            first = end
        }
        encode(input, for: [layer.attentionOutput])
    }

    private func attend(
        _ tiles: ArraySlice<RowPlan.Tile>, layer: Int, into out: UnsafeMutablePointer<Float>
    ) {
        let (length, group) = (c.attentionInputLength, c.groupSize * c.headDimension)
        let tasks = tiles.count * c.kvHeadCount
        let shares = min(tasks, Workspace.attentionShares(workers))
        tables.withPointers { pointers in
            guard let pointers else { return }
            workers.run(chunks: shares) { share in
                let scratch = workspace.scratch(share: share)
                // Dealt out in turn, as later tiles of a prompt see more keys.
                for task in Swift.stride(from: share, to: tasks, by: shares) {
                    let (index, head) = task.quotientAndRemainder(dividingBy: c.kvHeadCount)
                    let tile = tiles[tiles.startIndex + index]
                    kernels.attend(
                        AttentionTask(
                            queries: workspace.heads + tile.row * length + head * group,
                            queryStride: length, queryCount: tile.count,
                            firstPosition: tile.position,
                            pages: pointers + tables.start(of: tile.entry),
                            offset: pages.offset(layer: layer, head: head),
                            format: pages.type.format, headDimension: c.headDimension,
                            group: c.groupSize, scale: c.attentionScale,
                            window: c.isLocal(layer: layer) ? c.window : 0,
                            bidirectionalEnd: bidirectionalEnd(tile),
                            out: out + tile.row * c.queryLength + head * group,
                            outStride: c.queryLength),
                        scratch: scratch)
                }
            }
        }
    }

    /// The length of the tile's text, of which an encoder sees all; 0 in other models.
    private func bidirectionalEnd(_ tile: RowPlan.Tile) -> Int {
        c.isEncoder ? textLengths[tile.entry] : 0
    }
}
