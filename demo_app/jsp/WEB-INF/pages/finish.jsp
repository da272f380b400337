<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "POST");
  Properties attempt = requireAttempt(request, response);
  checkCsrf(request, response);
  if (!isFinished(attempt)) {
    changeAttempt(request, response, attempt.getProperty("id"), changed -> changed.setProperty("finished_at", String.valueOf(System.currentTimeMillis() / 1000)));
  }
  redirect(response, "/exam/" + attempt.getProperty("id") + "/done");
%>
