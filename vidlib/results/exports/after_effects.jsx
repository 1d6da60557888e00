// Builds a composition of another shape in After Effects from the results of vidlib, which lie in the file beside this script.
// File > Scripts > Run Script File. Plain ECMAScript 3: it runs in every version from CS6 on.
//
// The composition has one layer for each shot, whose anchor point and scale put the people into the picture; move the
// anchor point of a layer to reframe its shot. A shot that is shown as a whole has a blurred layer behind it. Markers have
// the speakers and the transcript.

(function () {
    var DATA_FILE = "@DATA_FILE@"; // beside this script
    var WITH_TRACKS = false; // true: a null layer for each track of a face, with its position as keyframes

    function readData(folder) {
        var file = new File(folder.fsName + "/" + DATA_FILE);
        file.encoding = "UTF-8";
        if (!file.open("r")) {
            throw new Error("vidlib: cannot read " + file.fsName + "; keep it beside the script");
        }
        var text = file.read();
        file.close();
        return eval("(" + text + ")"); // versions before CC 2020 have no JSON; the file holds ASCII literals alone
    }

    function findVideo(folder, video) {
        var places = [new File(video.path), new File(folder.fsName + "/" + video.name)];
        for (var i = 0; i < places.length; i++) {
            if (places[i].exists) {
                return places[i];
            }
        }
        return File.openDialog("Where is " + video.name + "?");
    }

    function importVideo(file, data) {
        var footage = app.project.importFile(new ImportOptions(file));
        if (Math.abs(footage.duration * data.fps - data.frames) > 1) {
            throw new Error("vidlib: " + file.name + " has another length; choose the delivered video, at 25 frames per second");
        }
        return footage;
    }

    function addShots(comp, footage, data) {
        // the last shot first: a new layer comes on top, so that the first shot is on top at the end
        for (var i = data.shots.length - 1; i >= 0; i--) {
            var shot = data.shots[i];
            var layer = comp.layers.add(footage);
            layer.name = shot.name;
            layer.startTime = 0;
            layer.inPoint = shot.start / data.fps;
            layer.outPoint = shot.stop / data.fps;
            layer.comment = shot.why;
            setWindow(layer, shot, comp, data);
            layer.audioEnabled = true;
            if (shot.fit) {
                addBackground(comp, layer, shot);
            }
        }
    }

    function transform(layer, name) {
        return layer.property("ADBE Transform Group").property(name);
    }

    function setWindow(layer, shot, comp, data) {
        var anchor = transform(layer, "ADBE Anchor Point");
        var picture = shot.picture; // left, top, width, height of the picture without black bars
        var middle = shot.top + shot.window[1] / 2;
        var scale = comp.height / shot.window[1];
        transform(layer, "ADBE Position").setValue([comp.width / 2, comp.height / 2]);
        if (shot.fit) {
            scale = Math.min(comp.width / picture[2], comp.height / picture[3]);
            anchor.setValue([picture[0] + picture[2] / 2, picture[1] + picture[3] / 2]);
            addMask(layer, picture);
        } else {
            setKeys(anchor, shot.segments, middle, data);
        }
        transform(layer, "ADBE Scale").setValue([scale * 100, scale * 100]);
    }

    function setKeys(anchor, segments, middle, data) {
        if (segments.length === 1 && segments[0].length === 1) {
            anchor.setValue([segments[0][0][1], middle]);
            return;
        }
        var index = 0;
        for (var s = 0; s < segments.length; s++) {
            for (var k = 0; k < segments[s].length; k++) {
                var key = segments[s][k];
                anchor.setValueAtTime(key[0] / data.fps, [key[1], middle]);
                index += 1;
                if (k === segments[s].length - 1) { // it jumps to the next segment; within one it glides
                    var before = k === 0 ? KeyframeInterpolationType.HOLD : KeyframeInterpolationType.LINEAR;
                    anchor.setInterpolationTypeAtKey(index, before, KeyframeInterpolationType.HOLD);
                }
            }
        }
    }

    function addMask(layer, picture) {
        var x = picture[0];
        var y = picture[1];
        var shape = new Shape();
        shape.vertices = [[x, y], [x + picture[2], y], [x + picture[2], y + picture[3]], [x, y + picture[3]]];
        shape.closed = true;
        layer.property("ADBE Mask Parade").addProperty("ADBE Mask Atom").property("ADBE Mask Shape").setValue(shape);
    }

    function addBackground(comp, layer, shot) {
        var picture = shot.picture;
        var scale = Math.max(comp.width / picture[2], comp.height / picture[3]) * 100;
        var back = layer.duplicate();
        back.moveAfter(layer);
        back.name = layer.name + " background";
        back.audioEnabled = false;
        transform(back, "ADBE Scale").setValue([scale, scale]);
        var blur = back.property("ADBE Effect Parade").addProperty("ADBE Gaussian Blur 2");
        blur.property("ADBE Gaussian Blur 2-0001").setValue(60);
        transform(back, "ADBE Opacity").setValue(50);
    }

    function addMarkers(comp, data) {
        if (!comp.markerProperty) { // versions before CC 2017 have no markers of compositions
            return;
        }
        var lines = data.captions.length ? data.captions : data.turns;
        for (var i = 0; i < lines.length; i++) {
            var line = lines[i];
            var marker = new MarkerValue((line[2] ? line[2] + ": " : "") + (line[3] || ""));
            marker.duration = (line[1] - line[0]) / data.fps;
            comp.markerProperty.setValueAtTime(line[0] / data.fps, marker);
        }
    }

    function addTracks(comp, data) {
        for (var i = 0; i < data.tracks.length; i++) {
            var track = data.tracks[i];
            var layer = comp.layers.addNull(comp.duration);
            var times = [];
            var places = [];
            for (var k = 0; k < track.keys.length; k++) {
                times.push(track.keys[k][0] / data.fps);
                places.push(place(comp, data, track.keys[k]));
            }
            layer.name = "Face " + track.id + (track.speaker ? " " + track.speaker : "");
            layer.inPoint = times[0];
            layer.outPoint = times[times.length - 1] + 1 / data.fps;
            transform(layer, "ADBE Position").setValuesAtTimes(times, places);
        }
    }

    function place(comp, data, key) {
        var shot = data.shots[0];
        for (var i = 0; i < data.shots.length && data.shots[i].start <= key[0]; i++) {
            shot = data.shots[i];
        }
        var picture = shot.picture;
        var scale = comp.height / shot.window[1];
        var centre = [centreAt(shot, key[0]), shot.top + shot.window[1] / 2];
        if (shot.fit) {
            scale = Math.min(comp.width / picture[2], comp.height / picture[3]);
            centre = [picture[0] + picture[2] / 2, picture[1] + picture[3] / 2];
        }
        return [(key[1] - centre[0]) * scale + comp.width / 2, (key[2] - centre[1]) * scale + comp.height / 2];
    }

    function centreAt(shot, frame) {
        var centre = shot.segments[0][0][1];
        for (var s = 0; s < shot.segments.length; s++) {
            var keys = shot.segments[s];
            for (var k = 0; k < keys.length && keys[k][0] <= frame; k++) {
                var next = keys[k + 1];
                var share = next && next[0] > frame ? (frame - keys[k][0]) / (next[0] - keys[k][0]) : 0;
                centre = keys[k][1] + (share ? share * (next[1] - keys[k][1]) : 0);
            }
        }
        return centre;
    }

    app.beginUndoGroup("vidlib");
    try {
        var folder = new File($.fileName).parent;
        var data = readData(folder);
        var file = findVideo(folder, data.video);
        if (file) {
            var footage = importVideo(file, data);
            var comp = app.project.items.addComp(
                data.name, data.size[0], data.size[1], 1, data.frames / data.fps, data.fps
            );
            comp.displayStartTime = data.start / data.fps;
            addShots(comp, footage, data);
            addMarkers(comp, data);
            if (WITH_TRACKS) {
                addTracks(comp, data);
            }
            comp.openInViewer();
        }
    } catch (error) {
        alert(error.message || String(error));
    } finally {
        app.endUndoGroup();
    }
})();
