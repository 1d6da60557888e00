// Builds a vertical composition in After Effects from the results of vidlib, which lie in the file beside this script.
// File > Scripts > Run Script File. Plain ECMAScript 3: it runs in every version from CS6 on.
//
// The composition has one layer for each shot, whose anchor point puts the people into the picture; move the anchor
// point of a layer to reframe its shot. Markers say who speaks and what is said.

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
            setWindow(layer.property("ADBE Transform Group").property("ADBE Anchor Point"), shot.keys, data);
            layer.property("ADBE Transform Group").property("ADBE Position").setValue([comp.width / 2, comp.height / 2]);
            layer.audioEnabled = true;
        }
    }

    function setWindow(anchor, keys, data) {
        var middle = data.video.height / 2;
        if (keys.length === 1) {
            anchor.setValue([keys[0][1], middle]);
            return;
        }
        for (var i = 0; i < keys.length; i++) { // the window jumps from one speaker to the other, and never glides
            anchor.setValueAtTime(keys[i][0] / data.fps, [keys[i][1], middle]);
            anchor.setInterpolationTypeAtKey(i + 1, KeyframeInterpolationType.HOLD, KeyframeInterpolationType.HOLD);
        }
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
                var key = track.keys[k];
                times.push(key[0] / data.fps);
                places.push([key[1] - centreAt(data, key[0]) + comp.width / 2, key[2]]);
            }
            layer.name = "Face " + track.id + (track.speaker ? " " + track.speaker : "");
            layer.inPoint = times[0];
            layer.outPoint = times[times.length - 1] + 1 / data.fps;
            layer.property("ADBE Transform Group").property("ADBE Position").setValuesAtTimes(times, places);
        }
    }

    function centreAt(data, frame) {
        var centre = data.video.width / 2;
        for (var i = 0; i < data.shots.length && data.shots[i].start <= frame; i++) {
            var keys = data.shots[i].keys;
            for (var k = 0; k < keys.length && keys[k][0] <= frame; k++) {
                centre = keys[k][1];
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
                data.name, data.window, data.video.height, 1, data.frames / data.fps, data.fps
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
