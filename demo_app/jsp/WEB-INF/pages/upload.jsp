<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%!
  /** Some browsers send the whole path; neither part of it is used for the file on disk. */
  static String plainName(String sent) {
    String name = clean(sent == null ? "" : sent).replace('\\', '/').replace("\n", "");
    name = name.substring(name.lastIndexOf('/') + 1);
    if (name.codePointCount(0, name.length()) > 150) name = name.substring(0, name.offsetByCodePoints(0, 150));
    return name.isEmpty() ? "unnamed" : name;
  }
%><%
  allowMethods(request, response, "GET", "POST");
  Properties attempt = requireAttempt(request, response);
  String base = "/exam/" + attempt.getProperty("id"), megabytes = exam(application).get("upload_megabytes").toString(), error = "";
  if (isPost(request)) {
    Part file = null;
    try {
      file = request.getPart("file");
    } catch (IllegalStateException tooLarge) {
      error = "The file is larger than " + megabytes + " MB and was not saved. Your answers and an earlier upload are kept.";
      response.setStatus(413);
    } catch (ServletException | IOException notMultipart) {
      file = null;
    }
    if (error.isEmpty()) {
      checkCsrf(request, response);
      if (file == null || file.getSubmittedFileName() == null || file.getSubmittedFileName().isEmpty()) {
        error = "No file arrived. Please choose a file and send it again.";
        response.setStatus(422);
      }
    }
    if (error.isEmpty()) {
      Path kept = stateFolder("uploads").resolve(attempt.getProperty("id"));
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (InputStream bytes = new DigestInputStream(file.getInputStream(), digest)) {
        Files.copy(bytes, kept, StandardCopyOption.REPLACE_EXISTING);
      }
      String name = plainName(file.getSubmittedFileName()), sha256 = String.format("%064x", new BigInteger(1, digest.digest()));
      String size = String.valueOf(file.getSize());
      changeAttempt(request, response, attempt.getProperty("id"), changed -> {
        changed.setProperty("upload.name", name);
        changed.setProperty("upload.size", size);
        changed.setProperty("upload.sha256", sha256);
      });
      redirect(response, base + "/upload");
    }
  } else if (isFinished(attempt)) {
    redirect(response, base + "/done");
  }
  String title = "Upload", id = "upload", head = "", beforeHead = "", statusText = "Upload";
  int percent = 100;
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<%@ include file="/WEB-INF/include/status.jspf" %>
<h1>Upload your working</h1>
<% if (!error.isEmpty()) { %><p class="message error"><%= h(error) %></p><% } %>
<p>You can hand in one file with your working, for example a photograph or a PDF, of at most <%= megabytes %> MB. A new file replaces the earlier one.</p>
<%@ include file="/WEB-INF/include/uploaded.jspf" %>
<form method="post" action="<%= response.encodeURL(base + "/upload") %>" enctype="multipart/form-data">
<%= csrfField(request) %>
<p><input type="file" name="file" /> <input class="submit" type="submit" value="Upload" /></p>
</form>
<p class="buttons"><a href="<%= response.encodeURL(base + "/q/" + list(application, "questions").size()) %>">Previous</a> <a class="right" href="<%= response.encodeURL(base + "/review") %>">Continue to the review</a></p>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
